package endpoint_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func init() { stdioPrograms["activated"] = serveActivated }

// serveActivated greets a client of the listener with which it was started.
func serveActivated() error {
	os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	l, err := endpoint.Listen(context.Background(), "activated://web?max-conns=1")
	if err != nil {
		return err
	}
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = fmt.Fprint(conn, "welcome")
	return err
}

func TestActivated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := stdioProgram(t, "activated")
	cmd.Env = append(cmd.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES=web")
	cmd.ExtraFiles, cmd.Stderr = []*os.File{file}, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(ipctest.Patience)) // the listener outlives a process that failed
	if text, err := io.ReadAll(conn); string(text) != "welcome" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
