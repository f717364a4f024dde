package pipe

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/local"
)

// Dial connects to the server that listens at name, as [Listen] takes it. It
// fails at once, with [os.ErrNotExist], if nobody listens; a server that is
// merely busy is waited for until ctx ends; on Windows one that listens no more
// looks busy while it has connections. A server of another user is refused with
// [os.ErrPermission] unless the access rule of cfg admits it.
func Dial(ctx context.Context, name string, cfg *Config) (*Conn, error) {
	return open(ctx, name, cfg, dial)
}

// DialWait is [Dial] that waits for the server to appear until ctx ends. It
// meets a Breezeway server on Linux the moment that listens; other servers, and
// all on other systems, within 50 ms.
func DialWait(ctx context.Context, name string, cfg *Config) (*Conn, error) {
	return open(ctx, name, cfg, func(ctx context.Context, path string, s *settings) (*stream, error) {
		watch := local.NewWatch(path)
		defer watch.Close()
		for {
			conn, err := dial(ctx, path, s)
			if err == nil || !isAbsent(err) {
				return conn, err
			}
			if err := watch.Wait(ctx); err != nil {
				return nil, err
			}
		}
	})
}

type dialFunc = func(ctx context.Context, path string, s *settings) (*stream, error)

func open(ctx context.Context, name string, cfg *Config, dial dialFunc) (*Conn, error) {
	fail := func(err error) (*Conn, error) {
		return nil, &breezeway.Error{Op: "dial", Kind: "pipe", Name: name, Err: err}
	}
	if ctx.Err() != nil {
		return fail(context.Cause(ctx))
	}
	s, err := cfg.settings()
	if err != nil {
		return fail(err)
	}
	path, err := pathOf(name, s.Host)
	if err != nil {
		return fail(err)
	}
	conn, err := dial(ctx, path, &s)
	if err != nil {
		return fail(err)
	}
	peer, err := conn.peer()
	if err == nil {
		err = admitServer(conn, peer, &s)
	}
	if err != nil {
		conn.disconnect()
		return fail(err)
	}
	return newConn(conn, peer, name, Addr(path), &s, func() {}), nil
}
