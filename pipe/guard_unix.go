//go:build unix

package pipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// takeoverBound is how long a program that takes a name over may need from the
// removal of the socket to its own bind, on a machine under load. .NET does both, and
// would fail if the listener came between.
const takeoverBound = 100 * time.Millisecond

// lookAgain is how often a listener looks for its name where the system raises no
// event, and tries to take it again after a failure that may pass.
const lookAgain = time.Second

// guardName notices that the socket was removed, and listens again.
func (l *Listener) guardName() {
	l.crew.Run(func() {
		for l.l.awaitLoss(l.arrivals.Done()) && l.wait(takeoverBound) {
			err := l.renew()
			for errors.Is(err, errLater) && l.wait(lookAgain) {
				err = l.renew()
			}
			if err != nil {
				return
			}
		}
	})
}

// errLater says that renew may succeed later.
var errLater = errors.New("another try may succeed")

// errBack says that the socket has its name again.
var errBack = errors.New("the socket was renamed back")

func (l *Listener) renew() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-l.arrivals.Done(): // Close waits for no other process
			cancel()
		case <-ctx.Done():
		}
	}()
	err := l.l.renew(ctx)
	switch {
	case l.arrivals.IsClosed():
	case errors.Is(err, errBack):
		return nil
	case err == nil:
		l.tell(slog.LevelWarn, "another program removed the socket; clients find a new one", "path", l.l.path)
	case errors.Is(err, errLater):
		l.tell(slog.LevelWarn, "another program removed the socket; no client finds the server until a new one can be made", "path", l.l.path, "reason", err)
	default:
		l.tell(slog.LevelError, "the name is lost; no client finds the server any more", "path", l.l.path, "reason", err)
	}
	return err
}

// wait reports whether the time has passed before Close.
func (l *Listener) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.arrivals.Done():
		return false
	}
}

// awaitLoss returns true when the present socket has lost its name, false when closed
// is done first.
func (l *listener) awaitLoss(closed <-chan struct{}) bool {
	l.mu.Lock()
	now := l.now
	l.mu.Unlock()
	if now == nil {
		return false
	}
	changed := make(chan struct{}, 1)
	watch, watched := now.WatchName(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer watch.Cancel()
	var look <-chan time.Time
	if !watched {
		t := time.NewTicker(lookAgain)
		defer t.Stop()
		look = t.C
	}
	for now.HasName() {
		select {
		case <-changed:
		case <-look:
		case <-closed:
			return false
		}
	}
	return true
}

func (l *listener) hasName() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now != nil && l.now.HasName()
}

// renew listens at a new socket, unless another server has the name, or there is no
// place for it.
func (l *listener) renew(ctx context.Context) error {
	next, err := l.listen(ctx)
	if errors.Is(err, fs.ErrExist) && l.hasName() {
		return errBack
	}
	gone := errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
	if err != nil && !gone {
		return fmt.Errorf("%w: %w", errLater, err)
	}
	if err != nil {
		err = fmt.Errorf("another program removed the socket %s, and the name can't be taken again: %w", l.path, err)
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		if next != nil {
			next.Close()
		}
		return nil
	}
	defer l.mu.Unlock()
	before := l.now
	l.former = append(slices.DeleteFunc(l.former, dropIdle), before)
	if l.now, l.lost = nil, err; err == nil {
		l.use(next)
	}
	before.SetDeadline(time.Unix(1, 0)) // wakes accept
	return err
}

// dropIdle closes a former socket at which no client waits: none can come.
func dropIdle(former *local.Listener) bool {
	waiting := true
	if raw, err := former.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { waiting = sys.Readable(int(fd)) })
	}
	if !waiting {
		former.UnixListener.Close()
	}
	return !waiting
}
