package rpc_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// vscode runs vscode-jsonrpc, the JSON-RPC of Visual Studio Code and its language servers.
func vscode(t *testing.T, role, address string) *ipctest.Process {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Node.js runs on Linux here")
	}
	return ipctest.StartCommand(t, ipctest.Node(t, "testdata/vscode.js", "vscode-jsonrpc")(role, address))
}

func TestVSCodeClient(t *testing.T) {
	for name, listen := range map[string]func() (net.Listener, error){
		"pipe": func() (net.Listener, error) { return pipe.Listen(ipctest.UniqueName(), nil) },
		"tcp":  func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
	} {
		t.Run(name, func(t *testing.T) {
			l := must(listen())
			s := must(rpc.NewServer(&rpc.Config{Insecure: true}))
			if err := s.Register("Calc", newCalc()); err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve(l) }()
			defer func() { s.Shutdown(background); <-served }()
			p := vscode(t, "client", l.Addr().String())
			for _, want := range []string{
				"sum 3", `moved {"X":2,"Y":3}`, `failed 42 division by zero {"a":1}`, "missing -32601",
				"in order true", "all true", "cancelled -32800 20", "answered what? 42!", "items [0,1,2]",
			} {
				p.Expect(want)
			}
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVSCodeServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, address := range []string{path, "127.0.0.1:0"} {
		t.Run(address[:1], func(t *testing.T) {
			p := vscode(t, "server", address)
			_, port, _ := strings.Cut(p.Hear(), "listening ")
			c := dialled(t, func(ctx context.Context) (net.Conn, error) {
				if address == path {
					return pipe.Dial(ctx, path, nil)
				}
				return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
			}, nil)
			if err := c.Register("Oracle", oracle{}); err != nil {
				t.Fatal(err)
			}
			o := c.Object("Calc")
			n, err := rpc.Call[int](background, o, "Add", 1, 2)
			expect(t, n, err, 3)
			var e *rpc.Error
			if _, err := rpc.Call[int](background, o, "Div", 1, 0); !errors.As(err, &e) || e.Code != 42 || string(e.Data) != `{"a":1}` {
				t.Errorf("%v", err)
			}
			if _, err := rpc.Call[int](background, o, "Nothing"); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%v", err)
			}
			ctx, cancel := context.WithCancel(background)
			ended := make(chan error, 1)
			go func() { _, err := rpc.Call[any](ctx, o, "Block"); ended <- err }()
			p.Expect("entered")
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			p.Expect("cancelled")
			answer, err := rpc.Call[string](background, o, "Ask", "what?")
			expect(t, answer, err, "what? 42!")
			for _, text := range []string{"a", "b", "c"} {
				if err := o.Notify(background, "Note", text); err != nil {
					t.Fatal(err)
				}
				p.Expect("note " + text)
			}
			p.CloseInput()
			p.Wait()
		})
	}
}
