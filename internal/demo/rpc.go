package demo

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// remoteObject lets a process call methods of an object that another one serves.
var remoteObject = demo{
	mechanism: "remote object",
	server: func(p *process) error {
		s, err := rpc.NewServer(nil)
		if err != nil {
			return err
		}
		if err := s.Register("Shouter", shouter{p}); err != nil {
			return err
		}
		return p.withClient(nil, func(c *pipe.Conn) error { return s.ServeConn(c) })
	},
	client: func(p *process) error {
		return p.withServer(nil, func(c *pipe.Conn) error {
			ctx := context.Background()
			client, err := rpc.NewClient(ctx, c, nil)
			if err != nil {
				return err
			}
			defer client.Close()
			return p.callShouter(ctx, client.Object("Shouter"))
		})
	},
}

// shouter is the object.
type shouter struct{ p *process }

// Shout answers in capitals.
func (s shouter) Shout(text string) string {
	s.p.say("Shout is called with %q", text)
	return strings.ToUpper(text)
}

// Add is called again and again.
func (shouter) Add(a, b int) int { return a + b }

func (p *process) callShouter(ctx context.Context, o *rpc.Object) error {
	text := fmt.Sprintf("hello from process %d", os.Getpid())
	p.say("calls Shout with %q", text)
	answer, err := rpc.Call[string](ctx, o, "Shout", text)
	if err != nil {
		return err
	}
	p.say("the result is %q", answer)
	n := 0
	return p.measureEach(fmt.Sprintf("%d x a call, there and back", roundTrips), func() (err error) {
		n, err = rpc.Call[int](ctx, o, "Add", n, 1)
		return err
	})
}
