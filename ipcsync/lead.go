package ipcsync

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Leader is the leadership that [Lead] returned, until Resign. Its methods may be
// called concurrently.
//
// A process that lives stays the leader until it resigns, however long it is
// stopped: nobody else's patience runs out, so that nothing tells a leader that it
// is one no more. Only who removes the name under a leader lets another one lead
// beside it.
type Leader struct {
	m         *ownMutex
	held      Held
	term      uint64
	recovered bool

	resigning sync.Once
	err       error // of Resign
}

const leaderKind = "leader"

// leaderHead begins as a mutex does.
type leaderHead struct {
	mutexHead
	terms atomic.Uint64
}

// Lead waits until this caller is the leader for a name: exactly one is, of all
// processes, and when it resigns or dies the next one is. Whoever comes first
// makes the name.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [breezeway.ErrRemoved] within a second of the name being removed, with
// [os.ErrInvalid] for a bad name, with [os.ErrPermission] if the name is somebody
// else's whom the access rule doesn't admit, and with [breezeway.ErrMismatch] if
// this program doesn't understand what is there. Where nobody leads, Lead
// succeeds even if ctx is done.
//
// Nothing tells that a leader died: it is found out within 100 ms from when the
// kernel has freed the dead process's memory and closed its files.
//
// It is the object bw.leader.NAME on all systems (docs/formats.md).
func Lead(ctx context.Context, name string, cfg *Config) (*Leader, error) {
	m, err := newOwnMutex(attach(openOrCreate, leaderKind, name, cfg, nil))
	if err != nil {
		return nil, failed(leaderKind, "lead", name, err)
	}
	m.mends = true // there is nothing to mend
	l := &Leader{m: m}
	if err := l.lead(ctx); err != nil {
		err = m.fail("lead", err)
		m.Close()
		return nil, err
	}
	return l, nil
}

func (l *Leader) lead(ctx context.Context) error {
	m := l.m
	shared, err := head[leaderHead](m.shared)
	if err != nil {
		return err
	}
	err = m.wait(ctx, m.free, nil, func(check bool) (bool, error) {
		ticket, how, err := m.tryTake(check)
		if err != nil || how == busy {
			return false, err
		}
		l.held = Held{m, ticket}
		l.term = shared.terms.Add(1)
		if how == stolen {
			shared.recoveries.Add(1)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	if l.recovered = l.held.Recovered(); l.recovered {
		m.log.Warn("the process that led died; this one leads now", slog.String("kind", m.kind), slog.String("name", m.name))
	}
	return l.held.MarkConsistent()
}

// RemoveLeader removes a name under which processes led, and with it the count of
// its terms. Who waits to lead learns it ([breezeway.ErrRemoved]); who leads does
// not, and another process can lead beside it: remove a name when it is out of
// use. It fails with [os.ErrNotExist] if there is none, and on Windows with
// [os.ErrPermission] while a process leads or waits to.
func RemoveLeader(name string, cfg *Config) error {
	return failed(leaderKind, "remove", name, removeShared(leaderKind, name, cfg))
}

// Term is the number of this leadership: it grows from each one to the next, also
// when the one before died. Who gives it along with every order keeps one that an
// earlier leader gave, and that arrives late, from being obeyed. Terms begin at 1
// when the name is made: on Linux after every start of the machine.
func (l *Leader) Term() uint64 { return l.term }

// Recovered reports whether the leader before this one died leading, so that its
// work may be half done.
func (l *Leader) Recovered() bool { return l.recovered }

// Name returns the name.
func (l *Leader) Name() string { return l.m.name }

// Resign lets the next one lead. Doing it again does nothing.
func (l *Leader) Resign() error {
	l.resigning.Do(func() {
		l.err = l.held.Unlock()
		if err := l.m.Close(); l.err == nil {
			l.err = err
		}
	})
	return l.err
}

// Close is Resign.
func (l *Leader) Close() error { return l.Resign() }
