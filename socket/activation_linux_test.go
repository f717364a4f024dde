package socket

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// activatedServer takes its listeners as systemd passes them.
var activatedServer = ipctest.Helper("activated server", func(c *ipctest.Control) error {
	if os.Getenv("LISTEN_PID") == "1" { // meant for another process
		_, err := Activated("", nil)
		c.Say("%v", errors.Is(err, os.ErrNotExist))
		return nil
	}
	if _, err := Activated("", nil); !errors.Is(err, os.ErrNotExist) {
		return err // there are several
	}
	if _, err := Activated("file", nil); !errors.Is(err, breezeway.ErrMismatch) {
		return err
	}
	for _, name := range []string{"web", "app"} {
		l, err := Activated(name, nil)
		if err != nil {
			return err
		}
		c.AtEnd(func() { l.Close() })
		go echo(l)
	}
	_, err := Activated("app", nil)
	c.Say("%v %q", errors.Is(err, os.ErrNotExist), os.Getenv("LISTEN_FDS")+os.Getenv("LISTEN_PID"))
	c.Hear()
	return nil
})

// startActivated starts the server as systemd does: descriptors from 3 on, and the pid of the
// process in its environment.
func startActivated(t *testing.T, pid string, files ...*os.File) *ipctest.Process {
	t.Helper()
	helper := ipctest.HelperCommand(t, activatedServer)
	sh, err := exec.LookPath("sh")
	if err != nil {
		ipctest.Missing(t, err.Error())
	}
	cmd := exec.Command(sh, "-c", "LISTEN_PID="+pid+" exec "+helper.Path)
	cmd.Env = append(helper.Env, "LISTEN_FDS=3", "LISTEN_FDNAMES=app:web:file")
	cmd.ExtraFiles = files
	return ipctest.StartCommand(t, cmd)
}

func TestActivated(t *testing.T) {
	path := socketPath(t)
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	var files []*os.File
	for _, l := range []interface{ File() (*os.File, error) }{unix.(*net.UnixListener), tcp.(*net.TCPListener)} {
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	files = append(files, openWith(t, "no socket"))

	startActivated(t, "1", files...).Expect("true")

	p := startActivated(t, "$$", files...)
	p.Expect(`true ""`)
	ask(t, mustDial(t, "unix", path, nil), "hello")
	ask(t, mustDial(t, "tcp", tcp.Addr().String(), nil), "hello")
	p.CloseInput()
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("Close removed what is systemd's: %v", err)
	}
	if _, err := Activated("app", nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
