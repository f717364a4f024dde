package pipe

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/watch"
)

// Dial connects to the server that listens at name, as [Listen] takes it. It
// fails at once, with [os.ErrNotExist], if no server listens. It waits for a
// server that is merely busy until ctx ends; on Windows one that listens no more
// looks busy while it has connections. A server of another user is refused with
// [os.ErrPermission] unless Config.Trust names that user; on Unix so is another
// user's socket, before it is connected to. What is no pipe is
// [breezeway.ErrMismatch].
//
// On Unix a symbolic link in the path that another user owns or could replace is
// refused with [os.ErrPermission].
func Dial(ctx context.Context, name string, cfg *Config) (*Conn, error) {
	return open(ctx, name, cfg, dial)
}

// DialWait is [Dial] that waits for the server to appear until ctx ends. It
// meets a Breezeway server on Linux the moment that listens; other servers, and
// all on other systems, within 50 ms. On Unix it takes the refusal of a server whose
// socket's rights were changed less than a second ago for one that is not ready yet.
func DialWait(ctx context.Context, name string, cfg *Config) (*Conn, error) {
	return open(ctx, name, cfg, func(ctx context.Context, path string, s *settings) (*stream, error) {
		conn, err := dial(ctx, path, s)
		if err == nil || !isAbsent(err) {
			return conn, err
		}
		file := watch.NewName(path)
		defer file.Close()
		for {
			conn, err := dial(ctx, path, s)
			if err == nil || !isAbsent(err) {
				return conn, err
			}
			if err := file.Wait(ctx); err != nil {
				return nil, err
			}
		}
	})
}

type dialFunc = func(ctx context.Context, path string, s *settings) (*stream, error)

func open(ctx context.Context, name string, cfg *Config, dial dialFunc) (*Conn, error) {
	c, err := openChecked(ctx, name, cfg, dial)
	return c, fail.With(breezeway.OpDial, kindPipe, name, err)
}

func openChecked(ctx context.Context, name string, cfg *Config, dial dialFunc) (*Conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	path, err := pathOf(name, s.Host)
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, path, &s)
	if err != nil {
		return nil, err
	}
	peer, err := conn.peer()
	if err == nil {
		err = admitServer(conn, peer, &s)
	}
	if err != nil {
		conn.disconnect()
		return nil, err
	}
	return newConn(conn, peer, name, Addr(path), &s, func() {}), nil
}
