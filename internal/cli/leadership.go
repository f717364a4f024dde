package cli

import (
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// leadership is the leadership under a name, as a lock.
type leadership struct {
	name string
	cfg  *ipcsync.Config
}

func openLeadership(l *locker, r accessRule) (lock, error) {
	return leadership{l.target.name, r.syncConfig()}, nil
}

// errNotNow ends a try to lead.
var errNotNow = errors.New("there is a leader")

func (l leadership) take(ctx context.Context, try bool) (held, bool, error) {
	if try {
		// Lead succeeds all the same if there is no leader.
		done, cancel := context.WithCancelCause(ctx)
		cancel(errNotNow)
		ctx = done
	}
	leader, err := ipcsync.Lead(ctx, l.name, l.cfg)
	if try && errors.Is(err, errNotNow) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return heldLeadership{leader}, true, nil
}

func (l leadership) holders() []int {
	stats, err := ipcsync.Stat(ipcsync.KindLeader, l.name, l.cfg)
	if err != nil {
		return nil // only a hint is lost
	}
	return stats.PIDs
}

func (l leadership) Close() error { return nil }

// heldLeadership is the leadership that this process has.
type heldLeadership struct{ *ipcsync.Leader }

// MarkConsistent does nothing: Lead has done it.
func (h heldLeadership) MarkConsistent() error { return nil }

func (h heldLeadership) Unlock() error { return h.Resign() }
