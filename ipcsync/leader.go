package ipcsync

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Leader is the leadership that [Lead] returned, until Resign. Its methods may be
// called concurrently.
//
// A living process stays the leader until it resigns, even if it is stopped. So no
// other process replaces it, unless the name is removed: then another process may
// lead beside it, and the first one is told when it resigns.
type Leader struct {
	mutex     sharedMutex
	held      Held
	term      uint64
	recovered bool

	resigning sync.Once
	err       error // of Resign
}

// leaderHead begins as a mutex does.
type leaderHead struct {
	robust.MutexHead
	terms atomic.Uint64
}

// Lead waits until this caller leads under a name. One caller in all processes does;
// when it resigns or dies, the next one does. The first caller creates the name.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [breezeway.ErrRemoved] if the name is removed meanwhile, with
// [os.ErrInvalid] for a bad name, with [os.ErrPermission] if the name belongs to a
// user that Config.Trust doesn't name, and with [breezeway.ErrMismatch] if this
// program doesn't understand what is there. If there is no leader, Lead succeeds even
// if ctx is done.
//
// If the leader dies, waiters find it out within 100 ms from when the kernel has
// freed the dead process's memory and closed its files.
//
// It is the object bw.leader.NAME on all systems (docs/formats.md). [Remove] of
// KindLeader removes the name and its count of terms. A leader is told when it resigns:
// remove a name when it is out of use.
func Lead(ctx context.Context, name string, cfg *Config) (*Leader, error) {
	m, err := openAs(KindLeader, robust.OpenOrCreate, name, cfg, func(s *settings) (*sharedMutex, error) {
		return newLeadership(robust.OpenOrCreate, name, s)
	})
	if err != nil {
		return nil, err
	}
	l := &Leader{mutex: *m}
	if err := l.lead(ctx); err != nil {
		err = m.Fail(breezeway.OpLead, fail.Bare(err))
		m.Close()
		return nil, err
	}
	return l, nil
}

func newLeadership(mode robust.OpenMode, name string, s *settings) (*sharedMutex, error) {
	m, err := newSharedMutex(mode, KindLeader, name, s)
	if err != nil {
		return nil, err
	}
	m.Inherited = func() {
		m.Log.Warn("the process that led died; this one leads now", slog.String("kind", m.Kind), slog.String("name", m.Name))
	}
	return &m, nil
}

func (l *Leader) lead(ctx context.Context) error {
	m := l.mutex
	shared, err := robust.Head[leaderHead](m.Object)
	if err != nil {
		return err
	}
	ticket, err := m.Lock(ctx, nil)
	if err != nil {
		return err
	}
	l.held = Held{m.Mutex, ticket}
	l.recovered = l.held.Recovered()
	err = m.Use(func() error {
		l.term = shared.terms.Add(1)
		return nil
	})
	if err != nil {
		return err
	}
	return l.held.MarkConsistent()
}

// Term returns the number of this leadership, which is higher than that of any
// earlier one under the name. A leader that sends it with every order lets the
// receiver refuse late orders of an earlier leader. Terms begin at 1 when the name
// is created: on Linux after every restart of the machine.
func (l *Leader) Term() uint64 {
	if l == nil {
		return 0
	}
	return l.term
}

// Recovered reports whether the leader before this one died leading, so that its
// work may be half done.
func (l *Leader) Recovered() bool { return l != nil && l.recovered }

// Name returns the name.
func (l *Leader) Name() string {
	if l == nil || l.mutex.Mutex == nil {
		return ""
	}
	return l.mutex.Name
}

// Resign lets the next process lead. If the name was removed meanwhile, it returns
// [breezeway.ErrRemoved]. Doing it again does nothing.
func (l *Leader) Resign() error {
	if l == nil || l.mutex.Mutex == nil {
		return KindLeader.fail(breezeway.OpUnlock, "", fmt.Errorf("the leadership was never taken: use what ipcsync.Lead returned (%w)", os.ErrInvalid))
	}
	l.resigning.Do(func() {
		l.err = l.held.Unlock()
		if err := l.mutex.Close(); l.err == nil {
			l.err = err
		}
	})
	return l.err
}

// Close is Resign.
func (l *Leader) Close() error { return l.Resign() }
