package shmnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// pairedEcho sends back what comes over the connection that it inherited.
var pairedEcho = ipctest.Helper("paired echo", func(c *ipctest.Control) error {
	conn, err := FromFile(context.Background(), os.NewFile(3, "pair"), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	c.Say("%v", conn.Transport())
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
	p := ipctest.StartCommand(t, cmd)
	child.Close()
	p.Expect(SharedMemory.String())
	want := bytes.Repeat([]byte("breezeway"), 100_000)
	go func() {
		conn.Write(want)
		conn.CloseWrite()
	}()
	if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back of %d, %v", len(got), len(want), err)
	}
}

func TestPairKilled(t *testing.T) {
	conn, child, err := Pair(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cmd := ipctest.HelperCommand(t, pairedEcho)
	cmd.ExtraFiles = append(cmd.ExtraFiles, child)
	p := ipctest.StartCommand(t, cmd)
	child.Close()
	p.Hear()
	p.Kill()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

func TestFromFileRefuses(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FromFile(t.Context(), f, nil); !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("%v", err)
	}
}
