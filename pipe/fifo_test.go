//go:build unix

package pipe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

func newFIFO(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := MakeFIFO(path, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func openFIFO(t testing.TB, path string, d Direction, cfg *FIFOConfig) *FIFO {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
	defer cancel()
	f, err := OpenFIFO(ctx, path, d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// bothEnds opens both within this process.
func bothEnds(t testing.TB) (in, out *FIFO) {
	t.Helper()
	path := newFIFO(t)
	// Only a reader that waits for no writer can come first here.
	in = openFIFO(t, path, In, &FIFOConfig{KeepOpen: true})
	return in, openFIFO(t, path, Out, nil)
}

func shell(t testing.TB, script, path string) *ipctest.Process {
	t.Helper()
	return ipctest.StartCommand(t, exec.Command("sh", "-c", script, "sh", path))
}

func TestMakeFIFOMode(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	for _, mode := range []fs.FileMode{0, 0o600, 0o622, 0o640, 0o666, 0o400} {
		path := filepath.Join(t.TempDir(), "fifo")
		if err := MakeFIFO(path, &FIFOConfig{Mode: mode}); err != nil {
			t.Fatal(err)
		}
		want := fs.ModeNamedPipe | mode
		if mode == 0 {
			want |= 0o600
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("mode %v, want %v, %v", info.Mode(), want, err)
		}
	}
	if err := MakeFIFO(filepath.Join(t.TempDir(), "fifo"), &FIFOConfig{Mode: fs.ModeSetuid}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("setuid: %v", err)
	}
}

// notFIFOs makes one path of each kind, besides a FIFO.
func notFIFOs(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	paths := make(map[string]string)
	for _, kind := range []string{"file", "directory", "link", "dangling link"} {
		paths[kind] = filepath.Join(dir, kind)
	}
	for _, err := range []error{
		os.WriteFile(paths["file"], []byte("text"), 0o600),
		os.Mkdir(paths["directory"], 0o700),
		os.Symlink(newFIFO(t), paths["link"]),
		os.Symlink("nowhere", paths["dangling link"]),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func TestMakeFIFOTaken(t *testing.T) {
	paths := notFIFOs(t)
	paths["FIFO"] = newFIFO(t)
	for kind, path := range paths {
		before, _ := os.Lstat(path)
		err := MakeFIFO(path, nil)
		after, _ := os.Lstat(path)
		if !errors.Is(err, os.ErrExist) || !os.SameFile(before, after) {
			t.Errorf("%s: %v; before %v, after %v", kind, err, before, after)
		}
	}
}

func TestRemoveFIFO(t *testing.T) {
	for kind, path := range notFIFOs(t) {
		if err := RemoveFIFO(path); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	path := newFIFO(t)
	if err := RemoveFIFO(path); err != nil {
		t.Error(err)
	}
	if err := RemoveFIFO(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestOpenFIFORefuses(t *testing.T) {
	ctx := context.Background()
	for kind, path := range notFIFOs(t) {
		for _, d := range []Direction{In, Out} {
			if _, err := OpenFIFO(ctx, path, d, nil); !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%s, %v: %v", kind, d, err)
			}
		}
	}
	path := newFIFO(t)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		path string
		d    Direction
		cfg  *FIFOConfig
		want error
	}{
		"nothing there":   {ctx, path + "x", In, nil, os.ErrNotExist},
		"both directions": {ctx, path, Duplex, nil, os.ErrInvalid},
		"kept by writer":  {ctx, path, Out, &FIFOConfig{KeepOpen: true}, os.ErrInvalid},
		"unknown user":    {ctx, path, In, &FIFOConfig{Trust: []string{"no-such-user-as-this"}}, os.ErrInvalid},
		"cancelled":       {cancelled, path, In, nil, context.Canceled},
	} {
		_, err := OpenFIFO(c.ctx, c.path, c.d, c.cfg)
		if ours := (*breezeway.Error)(nil); !errors.Is(err, c.want) || !errors.As(err, &ours) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestOpenFIFOForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "a FIFO of another user needs root")
	}
	const nobody = 65534
	path := newFIFO(t)
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	// A writer waits: refusing must not release it either.
	writer := shell(t, `echo opening; exec 3>"$1"; echo opened`, path)
	writer.Expect("opening")
	awaitOpen(t, writer)
	_, err := OpenFIFO(context.Background(), path, In, nil)
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(fmt.Sprint(err), "65534") {
		t.Errorf("%v", err)
	}
	awaitOpen(t, writer)
	f, err := OpenFIFO(context.Background(), path, In, &FIFOConfig{Trust: []string{"65534"}, KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	writer.Expect("opened")
}

func TestFIFOFromCat(t *testing.T) {
	path := newFIFO(t)
	cat := shell(t, `cat >"$1"`, path)
	cat.Say("from cat")
	f := openFIFO(t, path, In, nil)
	lines := bufio.NewReader(f)
	if line, err := lines.ReadString('\n'); line != "from cat\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	skipOnDarwin(t)
	cat.CloseInput()
	if rest, err := io.ReadAll(lines); len(rest) != 0 || err != nil {
		t.Errorf("at the end: %q, %v", rest, err)
	}
}

// skipOnDarwin ends a test that goes on to wait for the last writer to close.
func skipOnDarwin(t testing.TB) {
	t.Helper()
	if runtime.GOOS == "darwin" {
		t.Skip("macOS does not tell a waiting reader that the last writer closed (golang.org/issue/24164)")
	}
}

func TestFIFOToCat(t *testing.T) {
	path := newFIFO(t)
	cat := shell(t, `cat "$1"`, path)
	f := openFIFO(t, path, Out, nil)
	if _, err := io.WriteString(f, "to cat\n"); err != nil {
		t.Fatal(err)
	}
	cat.Expect("to cat")
	f.Close()
	if err := cat.Wait(); err != nil {
		t.Error(err)
	}
}

// fifoEcho reads the FIFO Args[0] to the end and writes all of it to Args[1].
var fifoEcho = ipctest.Helper("fifo echo", func(c *ipctest.Control) error {
	in, err := OpenFIFO(context.Background(), c.Args[0], In, nil)
	if err != nil {
		return err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	out, err := OpenFIFO(context.Background(), c.Args[1], Out, nil)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = out.Write(text)
	return err
})

func TestFIFOTwoProcesses(t *testing.T) {
	skipOnDarwin(t)
	there, back := newFIFO(t), newFIFO(t)
	ipctest.Start(t, fifoEcho, there, back)
	want := strings.Repeat("through the FIFO\n", 20_000)
	out := openFIFO(t, there, Out, nil)
	if _, err := io.WriteString(out, want); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if got, err := io.ReadAll(openFIFO(t, back, In, nil)); string(got) != want || err != nil {
		t.Errorf("%d bytes came back of %d, %v", len(got), len(want), err)
	}
}

// An open that is cancelled ends at once, and another process that waits in
// open(2) for the same partner goes on waiting.
func TestOpenFIFOCancel(t *testing.T) {
	for d, script := range map[Direction]string{
		In:  `echo opening; exec 3<"$1"; echo opened`,
		Out: `echo opening; exec 3>"$1"; echo opened`,
	} {
		t.Run(d.String(), func(t *testing.T) {
			path := newFIFO(t)
			other := shell(t, script, path)
			other.Expect("opening")
			awaitOpen(t, other)

			var late []time.Duration
			for range 5 {
				ctx, cancel := context.WithCancelCause(context.Background())
				why := errors.New("had enough")
				var cancelled time.Time
				time.AfterFunc(20*time.Millisecond, func() { // the wait has begun
					cancelled = time.Now()
					cancel(why)
				})
				if _, err := OpenFIFO(ctx, path, d, nil); !errors.Is(err, why) {
					t.Fatalf("%v", err)
				}
				late = append(late, time.Since(cancelled))
			}
			ipctest.WantMedian(t, late, 10*time.Millisecond)
			awaitOpen(t, other)
			partner := openFIFO(t, path, In+Out-d, nil)
			other.Expect("opened")
			partner.Close()
		})
	}
}

func TestFIFOWriterKilled(t *testing.T) {
	skipOnDarwin(t)
	path := newFIFO(t)
	writer := shell(t, `exec 3>"$1"; echo prefix >&3; exec cat`, path)
	f := openFIFO(t, path, In, nil)
	lines := bufio.NewReader(f)
	if line, err := lines.ReadString('\n'); line != "prefix\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	writer.Kill()
	f.SetReadDeadline(time.Now().Add(ipctest.Patience))
	if _, err := lines.ReadByte(); err != io.EOF {
		t.Errorf("%v", err)
	}
}

// A writer that has come, written and gone before the reader looked is met, and so
// is one that wrote nothing.
func TestFIFOHastyWriter(t *testing.T) {
	for text, script := range map[string]string{
		"hello\n": `echo hello >"$1"`,
		"":        `: >"$1"`,
	} {
		if text == "" && runtime.GOOS != "linux" {
			continue // not told of
		}
		path := newFIFO(t)
		shell(t, script, path)
		f := openFIFO(t, path, In, nil)
		if got, err := io.ReadAll(f); string(got) != text || err != nil {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
}

// What OpenFIFO has read to find the writer is not lost, nor is what doesn't fit
// the first Read.
func TestFIFOReadAhead(t *testing.T) {
	path := newFIFO(t)
	go func() {
		writer, err := OpenFIFO(context.Background(), path, Out, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer writer.Close()
		io.WriteString(writer, "0123456789")
	}()
	reader := openFIFO(t, path, In, nil)
	buf := make([]byte, 4)
	for _, want := range []string{"0123", "4567", "89"} {
		if n, err := reader.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("%q, %v; want %q", buf[:n], err, want)
		}
	}
}

// What OpenFIFO has read ahead is not read after the deadline or Close.
func TestFIFOReadAheadAfterDeadlineAndClose(t *testing.T) {
	path := newFIFO(t)
	openFIFO(t, path, In, &FIFOConfig{KeepOpen: true})
	io.WriteString(openFIFO(t, path, Out, nil), "read ahead")
	f := openFIFO(t, path, In, nil)
	buf := make([]byte, 4)
	f.SetReadDeadline(time.Unix(1, 0))
	if n, err := f.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %q, %v", buf[:n], err)
	}
	f.SetReadDeadline(time.Time{})
	if n, err := f.Read(buf); string(buf[:n]) != "read" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
	f.Close()
	if n, err := f.Read(buf); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %q, %v", buf[:n], err)
	}
}

// fifoConn is one end of a connection through two FIFOs.
type fifoConn struct{ in, out *FIFO }

func (c fifoConn) Read(p []byte) (int, error)         { return c.in.Read(p) }
func (c fifoConn) Write(p []byte) (int, error)        { return c.out.Write(p) }
func (c fifoConn) Close() error                       { return errors.Join(c.in.Close(), c.out.Close()) }
func (c fifoConn) LocalAddr() net.Addr                { return Addr(c.in.Name()) }
func (c fifoConn) RemoteAddr() net.Addr               { return Addr(c.out.Name()) }
func (c fifoConn) SetReadDeadline(t time.Time) error  { return c.in.SetReadDeadline(t) }
func (c fifoConn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
func (c fifoConn) SetDeadline(t time.Time) error {
	return errors.Join(c.in.SetDeadline(t), c.out.SetDeadline(t))
}

func TestFIFOConformance(t *testing.T) {
	skipOnDarwin(t)
	ipctest.TestConn(t, func() (a, b net.Conn, err error) {
		aIn, bOut := meetFIFO(t)
		bIn, aOut := meetFIFO(t)
		return fifoConn{aIn, aOut}, fifoConn{bIn, bOut}, nil
	})
}

// meetFIFO opens both ends, of which the reading one sees the end.
func meetFIFO(t *testing.T) (in, out *FIFO) {
	path := newFIFO(t)
	opened := make(chan *FIFO, 1)
	go func() {
		f, err := OpenFIFO(context.Background(), path, Out, nil)
		if err != nil {
			t.Error(err)
		}
		opened <- f
	}()
	in = openFIFO(t, path, In, nil)
	return in, <-opened
}

func TestFIFOKeepOpen(t *testing.T) {
	path := newFIFO(t)
	f := openFIFO(t, path, In, &FIFOConfig{KeepOpen: true})
	lines := bufio.NewReader(f)
	for _, word := range []string{"one", "two"} {
		if err := shell(t, "echo "+word+` >"$1"`, path).Wait(); err != nil {
			t.Fatal(err)
		}
		if line, err := lines.ReadString('\n'); line != word+"\n" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
	f.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	var ne interface{ Timeout() bool }
	if _, err := lines.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("without writers: %v", err)
	}
}

// Without KeepOpen the reader sees the end between writers, and then the next.
func TestFIFOEndsBetweenWriters(t *testing.T) {
	skipOnDarwin(t)
	path := newFIFO(t)
	first := shell(t, `echo one >"$1"`, path)
	f := openFIFO(t, path, In, nil)
	if got, err := io.ReadAll(f); string(got) != "one\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	first.Wait()
	second := openFIFO(t, path, Out, nil)
	io.WriteString(second, "two")
	second.Close()
	if got, err := io.ReadAll(f); string(got) != "two" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFIFOWriteDeadline(t *testing.T) {
	_, out := bothEnds(t)
	out.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	var err error
	for err == nil {
		_, err = out.Write(make([]byte, 32<<10))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestFIFOWithoutReader(t *testing.T) {
	in, out := bothEnds(t)
	in.Close()
	if _, err := out.Write([]byte("anybody?")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

func TestFIFOClose(t *testing.T) {
	in, out := bothEnds(t)
	ended := make(chan error, 1)
	go func() {
		_, err := in.Read(make([]byte, 1))
		ended <- err
	}()
	for range 2 {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
	out.Close()
	_, read := in.Read(make([]byte, 1))
	_, write := out.Write(make([]byte, 1))
	for what, err := range map[string]error{
		"pending read": <-ended, "read": read, "write": write, "deadline": in.SetDeadline(time.Now()),
	} {
		if ours := (*breezeway.Error)(nil); !errors.Is(err, os.ErrClosed) || !errors.As(err, &ours) || ours.Name != in.Name() {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestFIFOWrongWay(t *testing.T) {
	in, out := bothEnds(t)
	if _, err := in.Write([]byte("x")); !errors.Is(err, os.ErrPermission) {
		t.Errorf("write: %v", err)
	}
	if _, err := out.Read(make([]byte, 1)); !errors.Is(err, os.ErrPermission) {
		t.Errorf("read: %v", err)
	}
}

func TestFIFOAllocatesNothing(t *testing.T) {
	in, out := bothEnds(t)
	buf := make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() {
		out.Write(buf)
		in.Read(buf)
	}); n > 0 {
		t.Errorf("%v allocations per Write and Read", n)
	}
}
