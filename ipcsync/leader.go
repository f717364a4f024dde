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
// A process that lives stays the leader until it resigns, however long it is
// stopped: no other process replaces it, so nothing tells a leader that it is one
// no more. Only removing the name under a leader lets another process lead beside
// it.
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

// Lead waits until this caller is the leader for a name: of all processes exactly
// one is, and when it resigns or dies the next one is. The first to come makes the
// name.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [breezeway.ErrRemoved] within a second of the name being removed, with
// [os.ErrInvalid] for a bad name, with [os.ErrPermission] if the name belongs to a
// user that Config.Trust doesn't name, and with [breezeway.ErrMismatch] if this
// program doesn't understand what is there. Where there is no leader, Lead succeeds
// even if ctx is done.
//
// No wake-up announces that a leader died: it is found out within 100 ms from when
// the kernel has freed the dead process's memory and closed its files.
//
// It is the object bw.leader.NAME on all systems (docs/formats.md). [Remove] of
// KindLeader removes the name, and with it the count of its terms, but a leader is
// not told: remove a name when it is out of use.
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
		m.Recoveries().Add(1)
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

// Term is the number of this leadership: it grows from each one to the next, also
// when the one before died. A leader that gives it along with every order keeps an
// order of an earlier leader, that arrives late, from being obeyed. Terms begin at
// 1 when the name is made: on Linux after every start of the machine.
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

// Resign lets the next process lead. Doing it again does nothing.
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
