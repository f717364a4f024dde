package rpc_test

import (
	"context"
	"net"
	"testing"

	"github.com/breezeway-ipc/breezeway/rpc"
)

// holding keeps the notifications after Hold waiting until the connection has ended.
type holding struct{ noted chan string }

func (holding) Hold(ctx context.Context) { <-ctx.Done() }
func (h holding) Note(text string)       { h.noted <- text }

// What a client sent before it closed is executed, though the server has seen the end by
// then.
func TestNotificationOfAClientThatHasLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := rpc.NewServer(&rpc.Config{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	object := holding{make(chan string, 1)}
	if err := s.Register("Object", object); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := rpc.NewClient(background, conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := c.Object("Object")
	if err := o.Notify(background, "Hold"); err != nil {
		t.Error(err)
	}
	if err := o.Notify(background, "Note", "x"); err != nil {
		t.Error(err)
	}
	c.Close()
	served, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ServeConn(served); err != nil {
		t.Error(err)
	}
	select {
	case text := <-object.noted:
		if text != "x" {
			t.Errorf("noted %q", text)
		}
	default:
		t.Error("the notification is lost")
	}
}
