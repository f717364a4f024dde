package endpoint_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// objectConfig is what a client of objectServer needs.
func objectConfig() *rpc.Config { return &rpc.Config{Token: "secret"} }

type remoteCalc struct{}

func (remoteCalc) Add(a, b int) int { return a + b }

// objectServer serves an object, and a function, at a URL until the test ends.
var objectServer = ipctest.Helper("endpoint object server", func(c *ipctest.Control) error {
	s, err := rpc.NewServer(&rpc.Config{Token: "secret"})
	if err != nil {
		return err
	}
	if err := errors.Join(s.Register("Calc", remoteCalc{}), s.RegisterFunc("add", remoteCalc{}.Add)); err != nil {
		return err
	}
	l, err := endpoint.Listen(context.Background(), c.Args[0])
	if err != nil {
		return err
	}
	c.AtEnd(func() { s.Close() })
	go s.Serve(l)
	c.Say("%s", l.Addr())
	c.Hear()
	return nil
})

func TestDialObject(t *testing.T) {
	ctx, cfg := context.Background(), &rpc.Config{Token: "secret"}
	name, path := ipctest.UniqueName(), filepath.Join(t.TempDir(), "s")
	places := map[string]func(address string) string{
		"tcp://127.0.0.1:0": func(address string) string { return "tcp://" + address + "/" },
		"pipe://" + name:    func(string) string { return "pipe://" + name + "/" },
		"shmnet://" + name:  func(string) string { return "shmnet://" + name + "?buffer-size=64KiB#" },
	}
	if runtime.GOOS != "windows" {
		places["unix://"+path] = func(string) string { return "unix://" + path + "#" }
	}
	for place, at := range places {
		p := ipctest.Start(t, objectServer, place)
		url := at(p.Hear())
		for object, method := range map[string]string{"Calc": "Add", "": "add"} {
			client, o, err := endpoint.DialObject(ctx, url+object, cfg)
			if err != nil {
				t.Fatal(url, err)
			}
			if n, err := rpc.Call[int](ctx, o, method, 1, 2); err != nil || n != 3 {
				t.Errorf("%s: %d, %v", url+object, n, err)
			}
			client.Close()
		}
		if _, _, err := endpoint.DialObject(ctx, url+"Calc", &rpc.Config{Token: "wrong"}); !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s with a wrong token: %v", url, err)
		}
	}
}

// The client connects again by the same URL.
func TestDialObjectAgain(t *testing.T) {
	ctx, url := context.Background(), "pipe://"+ipctest.UniqueName()
	p := ipctest.Start(t, objectServer, url)
	p.Hear()
	client, o, err := endpoint.DialObject(ctx, url+"/Calc", &rpc.Config{Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	p.Kill()
	answered := make(chan error, 1)
	go func() { _, err := rpc.Call[int](ctx, o.Idempotent(), "Add", 1, 2); answered <- err }()
	ipctest.Start(t, objectServer, url).Hear()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestDialObjectOfBadURLs(t *testing.T) {
	for url, want := range map[string]error{
		"gopher://x/Calc":                          os.ErrInvalid,
		"pipe://x/Calc?wings":                      os.ErrInvalid,
		"mq://jobs/Calc":                           errors.ErrUnsupported,
		"pipe://" + ipctest.UniqueName() + "/Calc": os.ErrNotExist,
	} {
		if _, _, err := endpoint.DialObject(context.Background(), url, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
	}
}
