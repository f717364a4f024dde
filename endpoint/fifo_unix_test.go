//go:build !windows

package endpoint_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// fifoWriter writes to the URL Args[0] when the FIFO is there, and has a reader.
var fifoWriter = ipctest.Helper("endpoint FIFO writer", func(c *ipctest.Control) error {
	conn, err := endpoint.DialWait(context.Background(), c.Args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(c.Args[1]))
	return err
})

func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	_, err := endpoint.Listen(t.Context(), "fifo://"+path)
	ipctest.WantError(t, err, os.ErrNotExist, "make it with MakeFIFO")
	_, err = endpoint.Dial(t.Context(), "fifo://"+path)
	ipctest.WantError(t, err, os.ErrNotExist)
	writers := []*ipctest.Process{ipctest.Start(t, fifoWriter, "fifo://"+path, "first")}
	if err := pipe.MakeFIFO(path, nil); err != nil {
		t.Fatal(err)
	}
	l, err := endpoint.Listen(t.Context(), "fifo://"+path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); string(got) != text || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		conn.Close()
		writers[0].Wait()
		if text == "first" {
			writers[0] = ipctest.Start(t, fifoWriter, "fifo://"+path, "second")
		}
	}
	accepted := make(chan error, 1)
	go func() { _, err := l.Accept(); accepted <- err }()
	l.Close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept of a closed listener: %v", err)
	}
}
