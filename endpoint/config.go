package endpoint

import (
	"context"
	"log/slog"
	"net"

	"github.com/breezeway-ipc/breezeway/mq"
)

// Config says what a program adds to a URL. The functions of this package are those of the
// zero value.
type Config struct {
	// Logger is told of what happens without a caller to return it to: clients that were
	// refused, a name taken over from a dead server, messages that were dropped. It may
	// close what it is told of. nil is silent.
	Logger *slog.Logger
}

// Listen is the function [Listen] with this Config.
func (c Config) Listen(ctx context.Context, url string) (net.Listener, error) {
	return listening.open(ctx, url, c.Logger)
}

// OpenQueue is the function [OpenQueue] with this Config.
func (c Config) OpenQueue(ctx context.Context, url string) (mq.Queue, error) {
	return queues.open(ctx, url, c.Logger)
}

// Lead is the function [Lead] with this Config.
func (c Config) Lead(ctx context.Context, url string) (Leader, error) {
	return leadership.open(ctx, url, c.Logger)
}
