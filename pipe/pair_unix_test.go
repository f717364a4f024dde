//go:build unix

package pipe

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// pairedEcho sends back what comes over the connection that it inherited.
var pairedEcho = ipctest.Helper("paired echo", func(c *ipctest.Control) error {
	conn, err := FromFile(os.NewFile(firstExtra, "pair"), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.Copy(conn, conn)
	return err
})

func TestPair(t *testing.T) {
	conn, child, err := Pair(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cmd := ipctest.HelperCommand(t, pairedEcho)
	cmd.ExtraFiles = append(cmd.ExtraFiles, child)
	ipctest.StartCommand(t, cmd)
	child.Close()
	io.WriteString(conn, "there and back")
	conn.CloseWrite()
	if got, err := io.ReadAll(conn); string(got) != "there and back" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if conn.Peer().PID != os.Getpid() {
		t.Errorf("the peer is %v, and this process called Pair", conn.Peer())
	}
}

func TestFromFileRefuses(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := FromFile(r, nil); !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("%v", err)
	}
}
