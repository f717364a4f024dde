package mq

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// LocalQueue is a queue between the processes of this machine, in shared memory. It is
// the same on all systems.
//
// A queue with a name is the file bw.mq.NAME (docs/formats.md). It stays until [Remove]
// or, on Linux, the next boot. A queue whose name is a rooted path is durable: it is that
// file, on a disk, and stays. Every message of it has a checksum, and one that is damaged
// is dropped, logged and counted.
//
// A process may be killed at any instruction. A message whose Send has returned is not
// lost by that, except that a receiver that is killed just after Receive has taken a
// message has lost that one. Senders don't wait for receivers, nor these for senders,
// unless the queue is full or empty.
//
// On a nil or zero LocalQueue methods fail with [os.ErrInvalid].
type LocalQueue struct {
	o   *robust.Object
	set settings

	in  robust.Section // senders
	out robust.Section // receivers

	disk robust.Mutex // durable queues with Sync

	made                          fixed // private copy: bounds for what stands in shared memory
	h                             *head
	ring, store                   []slot
	schedule, freeRing, nextBlock []uint32
	blocks                        []byte
	arrived, room, idle, written  *wait.Gate
	mask                          uint64
	covered                       struct{ in, out covered } // by a checksum, in each section

	// What the process knows of the other side, under the lock of in.
	goneSeen, freedSeen uint64
	expireAgain         int64 // when to look for expired messages again
	endAgain            int64 // when to look for leases of dead processes again
	nextExpiry          int64 // when one of those that were found then expires; 0: none does

	roomNeeds  roomNeeds
	roomPassed atomic.Uint64 // see roomWait

	forwardAgain atomic.Int64 // when to try again what failed, in Unix nanoseconds
	deadLetters  struct {
		sync.Mutex             // held for moments only, not while the queue is opened
		queue      *LocalQueue // opened when it is needed
	}
	closing    context.Context // done when Close begins
	endOpening context.CancelCauseFunc
}

var _ Queue = (*LocalQueue)(nil)

const kind = "mq"

// explain says what to do about the errors that every object has. A file that is no queue
// is not to be removed, and without its directory no queue can be made.
func explain(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if isPath(name) {
		info, missing := os.Stat(name)
		switch exists := errors.Is(err, fs.ErrExist) && missing == nil; {
		case exists && info.IsDir():
			return fmt.Errorf("it is a directory, and no queue; give the path of a file (%w)", fail.Bare(err))
		case exists && op == breezeway.OpCreate && !isQueue(name, access.Rule{}):
			return fmt.Errorf("a file is there that is no queue, or none of this user's; choose another path (%w)", fail.Bare(err))
		}
		if _, missing := os.Stat(filepath.Dir(name)); missing != nil || errors.Is(err, breezeway.ErrMismatch) && !isQueue(name, access.Rule{}) {
			return err
		}
	}
	return fail.Advice{
		What: "queue", Create: "mq.Create", Open: "mq.Open", Remove: "mq.Remove",
		Scheme: kind, Creatable: true, Removable: true,
	}.Explain(op, name, err)
}

// Create makes the queue name. It fails with [os.ErrExist] if there is one.
func Create(name string, cfg *Config) (*LocalQueue, error) {
	return open(robust.Create, name, cfg)
}

// Open opens the queue name. It fails with [os.ErrNotExist] if there is none, with
// [os.ErrPermission] if it belongs to a user that is not trusted, with
// [breezeway.ErrMismatch] if it is no queue of this version, and with
// [breezeway.ErrTooLarge] if it is open as often as it can be.
//
// Open of a durable queue waits while another process is in the middle of a change. It
// fails with [os.ErrDeadlineExceeded] if that takes longer than 10 seconds: the process may
// have been stopped there.
func Open(name string, cfg *Config) (*LocalQueue, error) {
	return open(robust.Open, name, cfg)
}

// OpenOrCreate opens the queue name as [Open] does or, if there is none, makes it;
// [LocalQueue.Created] tells which.
func OpenOrCreate(name string, cfg *Config) (*LocalQueue, error) {
	return open(robust.OpenOrCreate, name, cfg)
}

// Remove removes the queue name with all its messages. Processes that have it open can
// still receive and lease what is in it, and end their leases; Send, and Receive when there
// is nothing to receive, fail with [breezeway.ErrRemoved]. On Windows a queue can't be removed while a process has it open:
// [os.ErrPermission]. A path that is no queue's is [breezeway.ErrMismatch], and what is
// there stays.
func Remove(name string, cfg *Config) error {
	s, err := cfg.settings()
	if err == nil {
		err = object.CheckName(name)
	}
	if err == nil {
		err = layoutOf(0, 0).Remove(name, s.Scope, s.access)
	}
	return fail.With(breezeway.OpRemove, kind, name, explain(breezeway.OpRemove, name, err))
}

// List returns the names of the queues that are not durable (for these see [ListDurable]),
// sorted, of any layout and any user. It opens none of them.
func List(cfg *Config) ([]string, error) {
	s, err := cfg.settings()
	var names []string
	if err == nil {
		names, err = robust.List(fileKind, s.Scope)
	}
	return names, fail.With(breezeway.OpList, kind, "", err)
}

// ListDurable returns the paths of the durable queues in a directory, sorted, of any layout.
// It looks at the first bytes of the files there, and leaves out those that this process
// may not read, or that belong to a user that is not trusted. A symbolic link is not
// followed, except that the directory may be one.
func ListDurable(dir string, cfg *Config) (paths []string, err error) {
	s, err := cfg.settings()
	if err == nil && !filepath.IsAbs(dir) {
		err = fmt.Errorf("%q is not a whole path (%w)", dir, os.ErrInvalid)
	}
	var entries []os.DirEntry
	if err == nil {
		entries, err = os.ReadDir(dir)
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); e.Type().IsRegular() && isQueue(path, s.access) {
			paths = append(paths, path)
		}
	}
	return paths, fail.With(breezeway.OpList, kind, dir, fail.Bare(err))
}

// Stat returns the Stats of the queue name, which this process needn't have open. It
// changes nothing, takes no slot, and needs the same rights as [Open].
func Stat(name string, cfg *Config) (Stats, error) {
	s, err := cfg.settings()
	if err != nil {
		return Stats{}, fail.With(breezeway.OpStat, kind, name, err)
	}
	s.observe = true
	q, err := openAs(context.Background(), robust.Open, name, s)
	if err != nil {
		return Stats{}, fail.With(breezeway.OpStat, kind, name, explain(breezeway.OpStat, name, err))
	}
	defer q.Close()
	return q.Stats(context.Background())
}

func open(mode robust.OpenMode, name string, cfg *Config) (*LocalQueue, error) {
	s, err := cfg.settings()
	var q *LocalQueue
	if err == nil {
		ctx, cancel := context.WithTimeoutCause(context.Background(), openPatience, os.ErrDeadlineExceeded)
		defer cancel()
		q, err = openAs(ctx, mode, name, s)
	}
	if err != nil {
		return nil, fail.With(mode.Op(), kind, name, explain(mode.Op(), name, err))
	}
	return q, nil
}

// openAs opens a queue. It waits for other processes until ctx is done.
func openAs(ctx context.Context, mode robust.OpenMode, name string, s settings) (*LocalQueue, error) {
	if err := object.CheckName(name); err != nil {
		return nil, err
	}
	switch {
	case isPath(name) && mode != robust.Create:
		if err := s.lengthen(name); err != nil {
			return nil, err
		}
	case !isPath(name) && s.Sync:
		return nil, fmt.Errorf("%s is for durable queues, whose name is a path (%w)", fail.Go("Config.Sync"), os.ErrInvalid)
	}
	if s.DeadLetter != "" && s.MaxDeliveries == 0 && mode != robust.Open {
		return nil, fmt.Errorf("%s is for messages that were delivered too often; say with %s how often that is (%w)", fail.Go("Config.DeadLetter"), fail.Go("Config.MaxDeliveries"), os.ErrInvalid)
	}
	if isSame(s.DeadLetter, name) {
		return nil, fmt.Errorf("the queue can't be its own %s (%w)", fail.Go("Config.DeadLetter"), os.ErrInvalid)
	}
	f := s.fixed(name)
	cfg := s.robust()
	cfg.Fill = f.fill
	q := &LocalQueue{set: s}
	q.closing, q.endOpening = context.WithCancelCause(context.Background())
	if err := robust.Attach(mode, layoutOf(s.Slots, f.geometry().size), name, cfg, q.init); err != nil {
		return nil, err
	}
	if mode == robust.OpenOrCreate && !q.Created() {
		if err := s.differs(&q.made); err != nil {
			return nil, errors.Join(err, q.Close())
		}
	}
	if !s.observe {
		if err := q.begin(ctx); err != nil {
			return nil, errors.Join(err, q.Close())
		}
	}
	return q, nil
}

// isSame reports whether two names are of one queue: paths may differ in their spelling, or
// lead through a link to the directory.
func isSame(a, b string) bool {
	if a == b || !isPath(a) || !isPath(b) {
		return a == b
	}
	sameBase := filepath.Base(a) == filepath.Base(b)
	if runtime.GOOS == "windows" {
		sameBase = strings.EqualFold(filepath.Base(a), filepath.Base(b))
	}
	if !sameBase || filepath.Dir(a) == filepath.Dir(b) {
		return sameBase
	}
	dirA, errA := os.Stat(filepath.Dir(a))
	dirB, errB := os.Stat(filepath.Dir(b))
	return errA == nil && errB == nil && os.SameFile(dirA, dirB)
}

// begin looks after what past processes have left.
func (q *LocalQueue) begin(ctx context.Context) error {
	if q.made.Durable != 0 {
		return q.beginDurable(ctx)
	}
	// What a dead process has leased is not to wait until a receiver looks.
	return q.o.Use(q.sweep)
}

// init finds the queue in o.
func (q *LocalQueue) init(o *robust.Object) (err error) {
	q.o = o
	if q.h, err = robust.Head[head](o); err != nil {
		return err
	}
	q.made = q.h.fixed
	if err := q.made.check(o.Layout().Body); err != nil {
		return err
	}
	if q.made.Durable != 0 != isPath(o.Name) {
		return fmt.Errorf("its file was moved, and is durable only there: it is no queue here (%w)", breezeway.ErrMismatch)
	}
	q.mask = uint64(q.made.Ring) - 1
	if err := q.findParts(q.made.geometry()); err != nil {
		return err
	}
	for _, g := range []struct {
		gate **wait.Gate
		word *uint32
	}{{&q.arrived, &q.h.arrived}, {&q.room, &q.h.room}, {&q.idle, &q.h.idle}, {&q.written, &q.h.written}} {
		if *g.gate, err = o.Gate(g.word); err != nil {
			return err
		}
	}
	if err := q.in.InitAt(o, &q.h.in); err != nil {
		return err
	}
	if err := q.out.InitAt(o, &q.h.out); err != nil {
		return err
	}
	if err := q.disk.InitAt(o, &q.h.disk); err != nil {
		return err
	}
	q.out.OutlivesName = true // what is in a queue that was removed can be received
	q.in.Repair = q.repairIn
	q.out.Repair = func() error {
		q.out.Recoveries().Add(1)
		q.warn("a process died while it took a message; the queue is whole")
		return q.repairOut()
	}
	return o.Join(func(m *liveness.Member) error {
		m.Entry.State.And(^uint64(begun))
		q.in.JoinAs(m)
		q.out.JoinAs(m)
		q.disk.JoinAs(m)
		q.disown(m.Holder)
		return nil
	})
}

func (q *LocalQueue) findParts(g geometry) (err error) {
	for _, part := range []struct {
		off, n int
		find   func(off, n int) error
	}{
		{g.ring, int(g.Ring), func(off, n int) (err error) { q.ring, err = robust.Body[slot](q.o, off, n); return }},
		{g.store, int(g.Store), func(off, n int) (err error) { q.store, err = robust.Body[slot](q.o, off, n); return }},
		{g.schedule, int(g.Store), func(off, n int) (err error) { q.schedule, err = robust.Body[uint32](q.o, off, n); return }},
		{g.freeRing, int(g.Blocks), func(off, n int) (err error) { q.freeRing, err = robust.Body[uint32](q.o, off, n); return }},
		{g.nextBlock, int(g.Blocks), func(off, n int) (err error) { q.nextBlock, err = robust.Body[uint32](q.o, off, n); return }},
		{g.blocks, int(g.Blocks) * blockSize, func(off, n int) (err error) { q.blocks, err = robust.Body[byte](q.o, off, n); return }},
	} {
		if err := part.find(part.off, part.n); err != nil {
			return err
		}
	}
	return nil
}

func (q *LocalQueue) isZero() bool { return q == nil || q.o == nil }

var errZero = fmt.Errorf("there is no queue; make it with mq.Create or mq.Open (%w)", os.ErrInvalid)

func (q *LocalQueue) fail(op string, err error) error {
	if q.isZero() {
		return fail.With(op, kind, "", errZero)
	}
	return q.o.Fail(op, fail.Bare(err)) // which may be that of a section, whose operation is lock
}

// Name returns the name of the queue, or the path of a durable one.
func (q *LocalQueue) Name() string {
	if q.isZero() {
		return ""
	}
	return q.o.Name
}

// Created reports whether the call that returned q made the queue.
func (q *LocalQueue) Created() bool { return !q.isZero() && q.o.Created }

// Close implements [Queue].
func (q *LocalQueue) Close() error {
	if q.isZero() {
		return q.fail(breezeway.OpClose, nil)
	}
	q.o.Shut() // no call opens the dead-letter queue from now on
	q.endOpening(os.ErrClosed)
	err := q.closeDeadLetters()
	return errors.Join(q.o.Close(), err)
}

// closeDeadLetters closes the dead-letter queue if it is open, which ends the calls that
// wait there.
func (q *LocalQueue) closeDeadLetters() (err error) {
	q.deadLetters.Lock()
	defer q.deadLetters.Unlock()
	if q.deadLetters.queue != nil {
		err = q.deadLetters.queue.Close()
		q.deadLetters.queue = nil
	}
	return err
}

// length returns how many messages are in the queue.
func (q *LocalQueue) length() int { return int(min(q.inside(), uint64(q.made.Store))) }

// inside returns the same, perhaps overwritten. The head is what counts where it has passed
// a message that its sender has not counted yet, and never will if it has died.
func (q *LocalQueue) inside() uint64 {
	h := q.h
	gone := atomic.LoadUint64(&h.gone) // first, so that the difference is not negative
	sent := max(atomic.LoadUint64(&h.tail), atomic.LoadUint64(&h.head))
	return less(sent, gone)
}

// less returns a - b, or 0 if b is more: one of them was overwritten, or has changed since
// the other was read.
func less(a, b uint64) uint64 { return a - min(a, b) }

// Len implements [Queue]. It doesn't wait.
func (q *LocalQueue) Len(context.Context) (n int, err error) {
	if q.isZero() {
		return 0, q.fail(breezeway.OpLen, nil)
	}
	err = q.o.Use(func() error {
		n = q.length()
		return nil
	})
	return n, q.fail(breezeway.OpLen, err)
}

// Drain implements [Queue].
func (q *LocalQueue) Drain(ctx context.Context) error {
	if q.isZero() {
		return q.fail(breezeway.OpDrain, nil)
	}
	return q.fail(breezeway.OpDrain, q.drain(ctx))
}

// Stats implements [Queue]. It doesn't wait.
func (q *LocalQueue) Stats(context.Context) (st Stats, err error) {
	if q.isZero() {
		return Stats{}, q.fail(breezeway.OpStat, nil)
	}
	err = q.o.Use(func() error {
		h := q.h
		freed, taken := atomic.LoadUint64(&h.freed), atomic.LoadUint64(&h.taken)
		inUse := less(uint64(atomic.LoadUint32(&h.fresh)), less(freed, taken))
		c := h.counts
		st = Stats{
			Messages: q.length(), Leased: int(min(h.leased, q.made.Store)), Delayed: int(min(h.delayed, q.made.Store)),
			Bytes:    int64(min(inUse, uint64(q.made.Blocks))) * blockSize,
			Capacity: int(q.made.Capacity), CapacityBytes: int64(q.made.Blocks) * blockSize, MaxMessage: int(q.made.MaxMessage),
			Sent: int64(atomic.LoadUint64(&h.tail)), Received: int64(c.Received), Acknowledged: int64(c.Acknowledged),
			Redelivered: int64(c.Redelivered), Expired: int64(c.Expired), Dropped: int64(c.Dropped),
			DeadLettered: int64(c.DeadLettered), Damaged: int64(c.Damaged),
			Recoveries: q.in.Recoveries().Load() + q.out.Recoveries().Load(),
		}
		st.Waiters, err = q.o.Waiters()
		return err
	})
	return st, q.fail(breezeway.OpStat, err)
}

// All implements [Queue].
func (q *LocalQueue) All(ctx context.Context) iter.Seq2[Message, error] { return all(ctx, q, q.fail) }

// all is All of any queue, which makes its errors by failed.
func all(ctx context.Context, q Queue, failed func(op string, err error) error) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			var m Message
			err := context.Cause(ctx)
			if err == nil {
				m, err = q.Receive(ctx, nil)
			} else {
				err = failed(breezeway.OpReceive, err)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// whetherRemoved returns ErrRemoved if the queue was removed. Every wait asks for it, since
// Remove wakes all waiters.
func (q *LocalQueue) whetherRemoved() error {
	if q.in.WasRemoved() {
		return robust.ErrRemoved
	}
	return nil
}

// log returns the attributes that every line of the log has.
func (q *LocalQueue) warn(text string, args ...any) {
	q.o.Log.Warn(text, append([]any{slog.String("kind", kind), slog.String("name", q.Name())}, args...)...)
}

// enter takes a section if it is free, whole, and in memory that can't fault.
func enter(s *robust.Section) (ticket uint64, ok bool) {
	if ticket, ok = s.LockFree(); !ok {
		return 0, false
	}
	if ticket&robust.Recovered != 0 {
		s.Unlock(ticket)
		return 0, false
	}
	return ticket, true
}

// errDamaged is returned where a word in shared memory is out of range.
var errDamaged = fmt.Errorf("it was overwritten; remove it and create it anew (%w)", breezeway.ErrMismatch)
