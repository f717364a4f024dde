package pipe

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func newPair(t testing.TB, cfg *Config) (r, w *os.File) {
	t.Helper()
	r, w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestNew(t *testing.T) {
	r, w := newPair(t, nil)
	if _, err := io.WriteString(w, "one way"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got, err := io.ReadAll(r); string(got) != "one way" || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
}

func TestNewDeadlines(t *testing.T) {
	r, w := newPair(t, nil)
	soon := func() time.Time { return time.Now().Add(10 * time.Millisecond) }
	r.SetReadDeadline(soon())
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read from an empty pipe: %v", err)
	}
	w.SetWriteDeadline(soon())
	var err error
	for err == nil {
		_, err = w.Write(make([]byte, 32<<10))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write to a full pipe: %v", err)
	}
}

func TestNewCloseEndsRead(t *testing.T) {
	r, _ := newPair(t, nil)
	ended := make(chan error, 1)
	go func() {
		_, err := r.Read(make([]byte, 1))
		ended <- err
	}()
	r.Close()
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestNewBufferSize(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("this system sizes its pipes itself")
	}
	const size = 1 << 20
	_, w := newPair(t, &Config{BufferSize: size})
	w.SetWriteDeadline(time.Now().Add(ipctest.Patience))
	if n, err := w.Write(make([]byte, size)); n != size {
		t.Errorf("wrote %d bytes that no process reads, %v", n, err)
	}
	if _, _, err := New(&Config{BufferSize: -1}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("negative size: %v", err)
	}
}

// inheritor writes to or reads from the handle in Args.
var inheritor = ipctest.Helper("inheritor", func(c *ipctest.Control) error {
	f, err := InheritedFile(c.Args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	if c.Args[0] == "write" {
		_, err := f.Write(bytes.Repeat([]byte("breezeway"), 100_000))
		return err
	}
	text, err := io.ReadAll(f)
	c.Say("%s", text)
	return err
})

func TestInheritWriter(t *testing.T) {
	r, w := newPair(t, &Config{Direction: In})
	startInheritor(t, w, "write")
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, bytes.Repeat([]byte("breezeway"), 100_000)) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
}

func TestInheritReader(t *testing.T) {
	r, w := newPair(t, &Config{Direction: Out})
	child := startInheritor(t, r, "read")
	io.WriteString(w, "to the child")
	w.Close()
	child.Expect("to the child")
}

func startInheritor(t *testing.T, f *os.File, what string) *ipctest.Process {
	t.Helper()
	cmd := ipctest.HelperCommand(t, inheritor, what)
	handle, err := Inherit(cmd, f)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = append(cmd.Args, handle)
	child := ipctest.StartCommand(t, cmd)
	f.Close()
	return child
}

func TestInheritPython(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no Python runs under Wine here; TestStartSynchronousChild shows a child without overlapped I/O")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		ipctest.Missing(t, "python3 is not installed")
	}
	r, w := newPair(t, &Config{Direction: In})
	cmd := exec.Command(python, "-c", `import os, sys; os.fdopen(int(sys.argv[1]), "w").write("from Python")`)
	handle, err := Inherit(cmd, w)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = append(cmd.Args, handle)
	ipctest.StartCommand(t, cmd)
	w.Close()
	if got, err := io.ReadAll(r); string(got) != "from Python" || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
}

func TestInheritTooLate(t *testing.T) {
	_, w := newPair(t, &Config{Direction: In})
	child := ipctest.StartCommand(t, ipctest.HelperCommand(t, idler))
	if _, err := Inherit(child.Cmd, w); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestInheritedFileRefuses(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var regular string
	if raw, err := file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { regular = decimal(fd) })
	}
	for handle, want := range map[string]error{
		"":        os.ErrInvalid,
		"-1":      os.ErrInvalid,
		"3,4":     os.ErrInvalid,
		"1234567": os.ErrNotExist,
		regular:   breezeway.ErrMismatch,
	} {
		_, err := InheritedFile(handle)
		if ours := (*breezeway.Error)(nil); !errors.Is(err, want) || !errors.As(err, &ours) {
			t.Errorf("%q: %v, want %v", handle, err, want)
		}
	}
}

var _ net.Conn = (*DuplexConn)(nil)
