package endpoint

import (
	"context"
	"net"

	"github.com/breezeway-ipc/breezeway/shmnet"
)

var shmnetScheme = Scheme{
	Name:    "shmnet",
	Options: []string{"allow", "buffer-size", "max-conns", "mode", "plain", "trust"},
	Listen: func(_ context.Context, u *URL) (net.Listener, error) {
		cfg := shmnetConfig(u)
		if u.err != nil {
			return nil, u.err
		}
		return asListener(shmnet.Listen(u.Name, cfg))
	},
	Dial:     dialShmnet(shmnet.Dial),
	DialWait: dialShmnet(shmnet.DialWait),
}

func dialShmnet(dial func(context.Context, string, *shmnet.Config) (*shmnet.Conn, error)) func(context.Context, *URL) (net.Conn, error) {
	return func(ctx context.Context, u *URL) (net.Conn, error) {
		cfg := shmnetConfig(u)
		if u.err != nil {
			return nil, u.err
		}
		return asConn(dial(ctx, u.Name, cfg))
	}
}

func shmnetConfig(u *URL) *shmnet.Config {
	return &shmnet.Config{
		BufferSize: int(u.Size("buffer-size")), Plain: u.Bool("plain"), MaxConns: u.Int("max-conns"),
		Mode: u.Mode("mode"), Allow: u.Texts("allow"), Trust: u.Texts("trust"),
		Logger: u.logger,
	}
}
