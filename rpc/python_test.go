package rpc_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// The client that docs/interop.md shows.
func TestPythonClient(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program opens a Unix socket")
	}
	l := must(pipe.Listen(ipctest.UniqueName(), nil))
	s := must(rpc.NewServer(nil))
	if err := s.Register("Calc", newCalc()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() { s.Shutdown(background); <-served }()
	for python, program := range ipctest.Pythons(t, 6, "testdata/client.py") {
		cmd := program(l.Addr().String())
		cmd.Stderr = os.Stderr
		if out, err := cmd.Output(); err != nil || string(out) != "3\n" {
			t.Errorf("%s: %q, %v", python, out, err)
		}
	}
}
