package endpoint

import (
	"context"
	"net"

	"github.com/breezeway-ipc/breezeway/pipe"
)

var pipeScheme = Scheme{
	Name:    "pipe",
	Options: []string{"allow", "max-conns", "max-message", "message", "mode", "trust"},
	Listen: func(_ context.Context, u *URL) (net.Listener, error) {
		cfg := pipeConfig(u)
		if u.err != nil {
			return nil, u.err
		}
		return asListener(pipe.Listen(u.Name, cfg))
	},
	Dial:     dialPipe(pipe.Dial),
	DialWait: dialPipe(pipe.DialWait),
}

func dialPipe(dial func(context.Context, string, *pipe.Config) (*pipe.Conn, error)) func(context.Context, *URL) (net.Conn, error) {
	return func(ctx context.Context, u *URL) (net.Conn, error) {
		cfg := pipeConfig(u)
		if u.err != nil {
			return nil, u.err
		}
		return asConn(dial(ctx, u.Name, cfg))
	}
}

func pipeConfig(u *URL) *pipe.Config {
	return &pipe.Config{
		Message: u.Bool("message"), MaxMessage: int(u.Size("max-message")),
		Mode: u.Mode("mode"), Allow: u.Texts("allow"), Trust: u.Texts("trust"),
		MaxConns: u.Int("max-conns"), Logger: u.logger,
	}
}
