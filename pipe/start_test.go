package pipe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func decimal(n uintptr) string { return strconv.FormatUint(uint64(n), 10) }

// idler only waits to be ended.
var idler = ipctest.Helper("idler", func(c *ipctest.Control) error { select {} })

// echoChild takes its pipe and sends everything back.
var echoChild = ipctest.Helper("echo child", func(c *ipctest.Control) error {
	d, err := Inherited()
	if err != nil {
		return err
	}
	defer d.Close()
	if v, ok := os.LookupEnv(handlesVariable); ok {
		return fmt.Errorf("%s=%s stays for the children", handlesVariable, v)
	}
	if _, err := Inherited(); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("taken twice: %v", err)
	}
	_, err = io.Copy(d, d)
	return err
})

// startHelper starts a helper with Start and waits for it when the test ends,
// which ends it too.
func startHelper(t testing.TB, cfg *StartConfig, helper string, args ...string) (*DuplexConn, *exec.Cmd) {
	t.Helper()
	return startCommand(t, cfg, ipctest.HelperCommand(t, helper, args...))
}

func startCommand(t testing.TB, cfg *StartConfig, cmd *exec.Cmd) (*DuplexConn, *exec.Cmd) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	d, err := Start(cmd, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		in.Close()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %v; stderr: %s", cmd.Args[0], cmd.ProcessState, &stderr)
		}
	})
	return d, cmd
}

func TestStart(t *testing.T) {
	d, cmd := startHelper(t, nil, echoChild)
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(rand.Uint32())
	}
	go func() {
		if _, err := d.Write(want); err != nil {
			t.Error(err)
		}
		d.CloseWrite()
	}()
	got, err := io.ReadAll(d) // ends because the child has seen the end, and ended
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back of %d, %v", len(got), len(want), err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the child: %v", err)
	}
}

func TestStartBufferSize(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("this system sizes its pipes itself")
	}
	const size = 1 << 20
	d, _ := startHelper(t, &StartConfig{BufferSize: size}, idler)
	d.SetWriteDeadline(time.Now().Add(ipctest.Patience))
	if n, err := d.Write(make([]byte, size)); n != size {
		t.Errorf("wrote %d bytes that no process reads, %v", n, err)
	}
}

func TestStartPython(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no Python runs under Wine here; TestStartSynchronousChild shows a child without overlapped I/O")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		ipctest.Missing(t, "python3 is not installed")
	}
	d, cmd := startCommand(t, nil, exec.Command(python, "-c", `
import os
r, w = map(int, os.environ["BREEZEWAY_PIPE"].split(","))
with os.fdopen(r) as lines, os.fdopen(w, "w") as answers:
    for line in lines:
        answers.write(line.upper())
        answers.flush()
`))
	answers := bufio.NewReader(d)
	for _, line := range []string{"one", "two"} {
		fmt.Fprintln(d, line)
		if got, err := answers.ReadString('\n'); got != map[string]string{"one": "ONE\n", "two": "TWO\n"}[line] {
			t.Fatalf("%q was answered by %q, %v", line, got, err)
		}
	}
	d.CloseWrite()
	if rest, err := io.ReadAll(answers); len(rest) > 0 || err != nil {
		t.Errorf("at the end: %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestStartFails(t *testing.T) {
	_, err := Start(exec.Command("no-such-program-as-this"), nil)
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no such program: %v", err)
	}
	if ours := (*breezeway.Error)(nil); !errors.As(err, &ours) {
		t.Errorf("%T", err)
	}
	_, cmd := startHelper(t, nil, idler)
	if _, err := Start(cmd, nil); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("started twice: %v", err)
	}
}

func TestInheritedWithoutStart(t *testing.T) {
	if _, err := Inherited(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for handles, want := range map[string]error{
		"":                os.ErrInvalid,
		"one,two":         os.ErrInvalid,
		"1234567,1234568": os.ErrNotExist,
	} {
		t.Setenv(handlesVariable, handles)
		if _, err := Inherited(); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", handles, err, want)
		}
	}
}

// Some children here can't be helpers, whose standard input is the test's line
// to them and ends them. These run the test binary in a role: a function that is
// named by the arguments.
var roles = map[string]func() error{}

func role(name string, run func() error) string {
	roles[name] = run
	return name
}

func init() {
	if len(os.Args) != 3 || os.Args[1] != "role" {
		return
	}
	if err := roles[os.Args[2]](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(failedRole)
	}
	os.Exit(0)
}

const failedRole = 3 // exit code

func roleCommand(t testing.TB, role string) *exec.Cmd {
	t.Helper()
	if roles[role] == nil {
		t.Fatalf("no role %q", role)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "role", role)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // as ipctest does
	return cmd
}

var (
	copyInput = role("copy input", func() error {
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	})
	// hang knows nothing of us, and ends if no test did end it.
	hang = role("hang", func() error {
		time.Sleep(2 * ipctest.Patience)
		return nil
	})
	// tellEnd says on its standard output how its pipe ends.
	tellEnd = role("tell end", func() error {
		d, err := Inherited()
		if err != nil {
			return err
		}
		fmt.Println("child")
		_, err = io.Copy(io.Discard, d)
		fmt.Println("end:", err)
		return nil
	})
)

// leaver starts a command that outlives it, says so, and ends.
var leaver = ipctest.Helper("leaver", func(c *ipctest.Control) error {
	d, err := Inherited()
	if err != nil {
		return err
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Stdin = os.Stdin // the test ends it
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = io.WriteString(d, "left one behind")
	return err
})

func TestEOFDespiteGrandchild(t *testing.T) {
	d, _ := startHelper(t, nil, leaver, roleCommand(t, copyInput).Args...)
	d.SetReadDeadline(time.Now().Add(ipctest.Patience))
	if got, err := io.ReadAll(d); string(got) != "left one behind" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	// The kernel closes the child's ends one after the other.
	var err error
	d.SetWriteDeadline(time.Now().Add(ipctest.Patience))
	for err == nil {
		_, err = d.Write([]byte("anybody?"))
	}
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write: %v", err)
	}
}

// parent starts the command in Args, bound to it or free, and waits to be
// killed.
var parent = ipctest.Helper("parent", func(c *ipctest.Control) error {
	cmd := exec.Command(c.Args[1], c.Args[2:]...)
	cmd.Stdout = os.Stdout
	d, err := Start(cmd, &StartConfig{DieWithParent: c.Args[0] == "bound"})
	if err != nil {
		return err
	}
	defer d.Close()
	c.Say("started")
	select {}
})

// startParent starts a parent and returns when that has started its child.
func startParent(t *testing.T, how string, child *exec.Cmd) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, parent, append([]string{how}, child.Args...)...)
	p.Expect("started")
	return p
}

// expectGone fails the test unless the child, which shares p's standard output,
// ends too.
func expectGone(t *testing.T, p *ipctest.Process) {
	t.Helper()
	start := time.Now()
	for {
		line, ok := p.TryHear()
		if !ok {
			break
		}
		t.Errorf("the child said %q", line)
	}
	t.Logf("the child was gone after %v", time.Since(start))
}

func TestChildSeesParentDie(t *testing.T) {
	p := startParent(t, "free", roleCommand(t, tellEnd))
	p.Expect("child")
	p.Kill()
	p.Expect("end: <nil>")
}

func TestDieWithParent(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("only a child that calls Inherited dies with its parent here")
	}
	p := startParent(t, "bound", roleCommand(t, hang))
	p.Kill()
	expectGone(t, p)
}

// forgetful starts the command in Args with its environment but not its pipe: by
// those numbers the command has other pipes, or none.
var forgetful = ipctest.Helper("forgetful", func(c *ipctest.Control) error {
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if runtime.GOOS != "windows" {
		for range 3 {
			r, w, err := New(nil)
			if err != nil {
				return err
			}
			defer w.Close()
			cmd.ExtraFiles = append(cmd.ExtraFiles, r)
		}
	}
	return cmd.Run()
})

// takeInheritedPipe says what Inherited returns.
var takeInheritedPipe = role("take inherited pipe", func() error {
	d, err := Inherited()
	if err == nil {
		fmt.Println("taken:", d.RemoteAddr())
		return d.Close()
	}
	fmt.Println("not there:", errors.Is(err, os.ErrNotExist))
	for _, v := range startVariables {
		if v, ok := os.LookupEnv(v); ok {
			return fmt.Errorf("%q stays", v)
		}
	}
	return nil
})

// A process that has inherited the variables but not the pipe takes no other pipe
// for it.
func TestInheritedVariablesWithoutThePipe(t *testing.T) {
	for _, cfg := range []*StartConfig{nil, {DieWithParent: true}} {
		cmd := ipctest.HelperCommand(t, forgetful, roleCommand(t, takeInheritedPipe).Args...)
		var out bytes.Buffer
		cmd.Stdout = &out
		_, started := startCommand(t, cfg, cmd)
		if err := started.Wait(); err != nil || strings.TrimSpace(out.String()) != "not there: true" {
			t.Errorf("%q, %v", out.String(), err)
		}
	}
}

// Handles that lead to another pipe are left as they are.
func TestInheritedLeavesOtherPipesAlone(t *testing.T) {
	r, w := newPair(t, &Config{Direction: In})
	other, _ := newPair(t, nil)
	number := func(f *os.File) (n uintptr) {
		raw, err := f.SyscallConn()
		if err == nil {
			err = raw.Control(func(h uintptr) { n = h })
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	identity, err := identityOf(number(other))
	if err != nil || identity == "" {
		t.Fatalf("%q, %v", identity, err)
	}
	in, out := decimal(number(r)), decimal(number(w))
	for _, list := range []string{in + "=" + identity, "99=x," + out + "=" + identity, out + "="} {
		t.Setenv(handlesVariable, in+","+out)
		t.Setenv(identityVariable, list)
		if _, err := Inherited(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", list, err)
		}
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

func TestDuplexConformance(t *testing.T) {
	ipctest.TestConn(t, func() (net.Conn, net.Conn, error) {
		d1, d2 := newDuplexes(t)
		return d1, d2, nil
	})
}

// newDuplexes returns both ends of a connection within this process.
func newDuplexes(t testing.TB) (d1, d2 *DuplexConn) {
	t.Helper()
	r1, w2 := newPair(t, nil)
	r2, w1 := newPair(t, nil)
	return &DuplexConn{r: r1, w: w1, name: "d1"}, &DuplexConn{r: r2, w: w2, name: "d2"}
}

func TestDuplexErrors(t *testing.T) {
	buf := make([]byte, 1)
	past := time.Unix(1, 0)
	for name, c := range map[string]struct {
		act  func(d, other *DuplexConn) error
		want error
	}{
		"read after the end": {func(d, other *DuplexConn) error {
			other.CloseWrite()
			_, err := d.Read(buf)
			return err
		}, io.EOF},
		"write without a reader": {func(d, other *DuplexConn) error {
			other.CloseRead()
			_, err := d.Write(buf)
			return err
		}, io.ErrClosedPipe},
		"read after Close": {func(d, _ *DuplexConn) error {
			d.Close()
			_, err := d.Read(buf)
			return err
		}, net.ErrClosed},
		"write after CloseWrite": {func(d, _ *DuplexConn) error {
			d.CloseWrite()
			_, err := d.Write(buf)
			return err
		}, net.ErrClosed},
		"read after the deadline": {func(d, _ *DuplexConn) error {
			d.SetReadDeadline(past)
			_, err := d.Read(buf)
			return err
		}, os.ErrDeadlineExceeded},
		"write after the deadline": {func(d, _ *DuplexConn) error {
			d.SetDeadline(past)
			_, err := d.Write(buf)
			return err
		}, os.ErrDeadlineExceeded},
		"deadline after Close": {func(d, _ *DuplexConn) error {
			d.Close()
			return d.SetDeadline(past)
		}, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			d, other := newDuplexes(t)
			err := c.act(d, other)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if c.want == io.EOF {
				if err != io.EOF {
					t.Errorf("%T, want it bare", err)
				}
				return
			}
			var ne net.Error
			if !errors.As(err, &ne) || ne.Timeout() != (c.want == os.ErrDeadlineExceeded) {
				t.Errorf("%v: net.Error %v", err, ne)
			}
			if ours := (*breezeway.Error)(nil); !errors.As(err, &ours) || ours.Name != "d1" {
				t.Errorf("%#v", err)
			}
		})
	}
}

// A half that is closed takes no deadline, and doesn't keep the other from it.
func TestDuplexDeadlineAfterHalfClose(t *testing.T) {
	past := time.Unix(1, 0)
	d, _ := newDuplexes(t)
	d.CloseWrite()
	if err := d.SetDeadline(past); err != nil {
		t.Errorf("after CloseWrite: %v", err)
	}
	if _, err := d.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	d, _ = newDuplexes(t)
	d.CloseRead()
	if err := d.SetDeadline(past); err != nil {
		t.Errorf("after CloseRead: %v", err)
	}
	if _, err := d.Write(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
}

func TestDuplexEmptyWrite(t *testing.T) {
	d, other := newDuplexes(t)
	got := make(chan string, 1)
	go func() {
		buf := make([]byte, 9)
		n, err := other.Read(buf)
		got <- fmt.Sprint(string(buf[:n]), err)
	}()
	if n, err := d.Write(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	io.WriteString(d, "text")
	if g := <-got; g != "text<nil>" {
		t.Errorf("an empty write made the reader see %s", g)
	}
}

func TestDuplexAllocatesNothing(t *testing.T) {
	d, other := newDuplexes(t)
	buf := make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() {
		d.Write(buf)
		other.Read(buf)
	}); n > 0 {
		t.Errorf("%v allocations per Write and Read", n)
	}
}
