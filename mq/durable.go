package mq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// A durable queue is the same memory, mapped from a file on a disk. As long as the system
// runs, the file is what processes see, whether they are killed or not.
//
// When the power fails, each page of the file is on the disk as it was at some time since
// the last write to the disk began. With Sync, the messages that had been sent by then
// are found in that:
//
//   - A message is in its slot of the ring from before its Send returned until the slot is
//     used again. That is done only when the message has left the queue, or is in the store
//     on the disk (keepStored).
//   - A message that has left the queue has no state in the ring (forget). If that is not
//     on the disk yet, the message is delivered again.
//
// What the lists, the counts and the positions say is not used then: see restore.

// lengthen makes a durable queue's file as long as its header says, if it was truncated.
// The messages that are missing are found to be damaged.
func (s *settings) lengthen(path string) error {
	f, err := object.Open(path, s.access, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h, err := layout.Read(f, math.MaxInt64)
	if err != nil || h.Kind != fileKind || h.Version != layoutVersion || h.Total() <= info.Size() {
		return nil // Attach says what is wrong
	}
	const largest = 1 << 40
	if h.Total() > largest {
		return nil
	}
	if s.observe {
		return fmt.Errorf("its file was truncated, to %d of %d bytes; the next process that opens it makes it whole, without the messages that are lost (%w)", info.Size(), h.Total(), breezeway.ErrMismatch)
	}
	s.Logger.Warn("the queue's file was truncated; messages are lost", "name", path, "bytes", info.Size(), "of", h.Total())
	return f.Truncate(h.Total())
}

// isQueue reports whether a file is a queue's, of any version.
func isQueue(path string, rule access.Rule) bool {
	f, err := object.Open(path, rule, true) // not a link, and no FIFO, which would wait
	if err != nil {
		return false
	}
	defer f.Close()
	h, err := layout.Read(f, math.MaxInt64)
	return err == nil && h.Kind == fileKind
}

// begun is the bit in the State of a process's slot that says that it may use the queue.
const begun = 1

// beginDurable restores the queue if no other process uses it.
func (q *LocalQueue) beginDurable(ctx context.Context) error {
	if q.Created() && q.made.Sync != 0 {
		if err := q.keepFile(); err != nil {
			return err
		}
	}
	err := q.in.Do(ctx, func() error {
		return q.out.Do(ctx, func() error {
			others := 0
			err := q.o.EachLiving(
				func(e *liveness.Entry) bool { return e != q.o.Me.Entry && e.State.Load()&begun != 0 },
				func(*liveness.Entry) { others++ })
			if err != nil {
				return err
			}
			if others == 0 && !q.Created() {
				if err := q.restore(); err != nil {
					return err
				}
			}
			q.o.Me.Entry.State.Or(begun)
			return q.endLeasesOfDead()
		})
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%s is in the middle of a change, and has not ended it within %v; was it stopped? (%w)", q.inTheWay(), openPatience, os.ErrDeadlineExceeded)
	}
	return fail.Bare(err)
}

// openPatience is how long Open waits for processes that are in the sections of a durable
// queue. One of them may be restoring it, which takes about as long as to read the file.
const openPatience = 10 * time.Second

// inTheWay names the process that is in one of the sections. It may have left by now.
func (q *LocalQueue) inTheWay() string {
	pid := 0
	for _, s := range []*robust.Section{&q.out, &q.in} {
		q.o.Touch(func() {
			if p, held, err := s.Holder(s.Word.Load()); held && err == nil && p != os.Getpid() {
				pid = p
			}
		})
	}
	if pid == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

// keepFile has a new queue with Sync, and its name, on the disk.
func (q *LocalQueue) keepFile() error {
	if err := q.o.Flush(); err != nil || runtime.GOOS == "windows" { // which keeps names by itself
		return err
	}
	dir, err := os.Open(filepath.Dir(q.Name()))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// restore makes the queue whole from the messages in its slots, whatever the rest of the
// file says. It is called in both sections. It can be repeated.
func (q *LocalQueue) restore() error {
	h := q.h
	if h.high > q.made.Store {
		h.high = q.made.Store
	}
	last := uint64(0) // position after that of the youngest message
	stored := map[uint64]bool{}
	damaged := 0
	for n := range q.store {
		s := &q.store[n]
		st := storeState(s.state)
		if st.kind() == isFree {
			continue
		}
		if q.verify(s) != nil {
			damaged++
			q.setState(s, st.as(isFree))
			continue
		}
		if stored[s.position] { // moved to the store twice: a process died in between
			q.setState(s, st.as(isFree))
			continue
		}
		if st.kind() == isLeased { // by a process that is dead, whatever the slots say
			h.counts.Redelivered++
			q.setState(s, st.as(isReady))
		}
		h.high = max(h.high, uint32(n+1))
		stored[s.position] = true
		last = max(last, s.position+1)
	}
	var found []uint64
	trusted, agree := q.agreeOnHead(uint64(len(stored)))
	whole := trusted && agree
	for i := range q.ring {
		s := &q.ring[i]
		if s.state == 0 {
			continue
		}
		position := s.state - 1
		waiting := !trusted || position >= h.head
		switch {
		case s.position != position || position&q.mask != uint64(i) || q.verify(s) != nil:
			if waiting {
				damaged++
				whole = false
			}
			continue
		case stored[position]:
		case waiting:
			found = append(found, position)
		case q.made.Sync != 0: // it was moved to the store, and that is not on the disk
			found = append(found, position)
			whole = false
		}
		last = max(last, position+1)
	}
	found = q.dropSharers(found)
	whole = whole && last <= h.tail && h.head <= h.tail && uint64(len(found)) == h.tail-h.head
	if damaged > 0 {
		h.counts.Damaged += uint64(damaged)
		q.warn("messages are damaged, and were dropped", "count", damaged)
	}
	if !whole {
		if trusted { // its message may have been received before it was counted
			last = max(last, h.head)
		}
		if err := q.shelveAll(found, max(last, h.tail)); err != nil {
			return err
		}
	}
	// What these say may be newer than the rest.
	atomic.StoreUint64(&h.synced, 0)
	atomic.StoreUint64(&h.syncedHead, 0)
	h.lastPriority = ^uint32(0)
	atomic.StoreUint64(&h.lastChange, h.tail)
	if err := q.repairOut(); err != nil {
		return err
	}
	return q.rebuildBlocks()
}

// agreeOnHead reports whether the ring's head can be true, and whether gone says the same.
// If they differ, one of them is damaged: the older position is taken, so that messages are
// delivered again rather than lost.
func (q *LocalQueue) agreeOnHead(inStore uint64) (trusted, agree bool) {
	h := q.h
	possible := func(head uint64) bool { return head <= h.tail+1 && less(h.tail, head) <= uint64(q.made.Ring) }
	counted := h.gone + inStore
	if counted == h.head && !possible(h.head) { // it is tail that is damaged
		atomic.StoreUint64(&h.tail, h.head)
		return true, false
	}
	if possible(counted) && (counted < h.head || !possible(h.head)) {
		atomic.StoreUint64(&h.head, counted)
		return true, false
	}
	return possible(h.head), counted == h.head
}

// dropSharers drops the messages of which a younger message has a block: they had left the
// queue before the power failed, and their blocks were used again, for the same bytes. It
// returns those of the positions in the ring that are left.
func (q *LocalQueue) dropSharers(found []uint64) []uint64 {
	var all []*slot
	for _, position := range found {
		all = append(all, &q.ring[position&q.mask])
	}
	for n := range q.storeUsed() {
		if s := &q.store[n]; storeState(s.state).kind() != isFree {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *slot) int { return cmp.Compare(b.position, a.position) })
	used := make([]bool, q.made.Blocks)
	sharers := map[uint64]bool{}
	var ends []uint32 // of the lists of blocks; older messages that share one are read before they change
	for _, s := range all {
		last := uint32(0)
		for rest, next := blocksFor(int(s.size)+int(s.idSize)), s.first; rest > 0; rest-- { // verified
			if used[next-1] {
				sharers[s.position] = true
			}
			used[next-1] = true
			last, next = next, q.nextBlock[next-1]
		}
		if last != 0 && !sharers[s.position] {
			ends = append(ends, last)
		}
	}
	for _, last := range ends {
		q.nextBlock[last-1] = 0 // which no checksum covers
	}
	for n := range q.storeUsed() {
		if s := &q.store[n]; sharers[s.position] {
			q.setState(s, storeState(s.state).as(isFree))
		}
	}
	return slices.DeleteFunc(found, func(position uint64) bool { return sharers[position] })
}

// youngest returns as many of these positions as the store has room for. If there are more,
// the oldest ones have left the queue: what says which ones is damaged.
func (q *LocalQueue) youngest(positions []uint64) []uint64 {
	room := 0
	for n := range q.store {
		if storeState(q.store[n].state).kind() == isFree {
			room++
		}
	}
	slices.Sort(positions)
	return positions[max(len(positions)-room, 0):]
}

// shelveAll moves the messages at these positions of the ring to the store, and empties
// the ring, whose next position is tail.
func (q *LocalQueue) shelveAll(positions []uint64, tail uint64) error {
	h := q.h
	n := 0
	for _, position := range q.youngest(positions) {
		for n < len(q.store) && storeState(q.store[n].state).kind() != isFree {
			n++
		}
		if n == len(q.store) {
			return errDamaged
		}
		s := &q.store[n]
		s.copyFrom(&q.ring[position&q.mask])
		s.seen = 1 // perhaps; that doesn't count towards MaxDeliveries
		q.setState(s, storeState(s.state).as(isReady))
		h.high = max(h.high, uint32(n+1))
	}
	if q.made.Sync != 0 { // or the power fails again when only the ring's part is on the disk
		if err := q.o.Flush(); err != nil {
			return err
		}
	}
	killpoint.Here("mq restored")
	atomic.StoreUint64(&h.tail, tail)
	atomic.StoreUint64(&h.head, tail)
	for i := range q.ring {
		atomic.StoreUint64(&q.ring[i].state, 0)
	}
	return nil
}

// forget marks a message in the ring as having left the queue, if its slot was not used
// again.
func (q *LocalQueue) forget(position uint64) {
	atomic.CompareAndSwapUint64(&q.ring[position&q.mask].state, position+1, 0)
}

// keepStored sees to it that the slot of the ring where a message is to be put has none
// that is in the store, and there not on the disk.
func (q *LocalQueue) keepStored(position uint64) error {
	if position < uint64(q.made.Ring) || position-uint64(q.made.Ring) < atomic.LoadUint64(&q.h.syncedHead) {
		return nil
	}
	return q.persistNow()
}

// persist returns when all that was sent is on the disk, for a queue with Sync.
//
// One process at a time writes. What others send meanwhile, the next one writes for all.
// A process whose message is on the disk by then has nothing to write.
//
// If it may not wait, it writes by itself where another process doesn't do so in time.
func (q *LocalQueue) persist(ctx context.Context, mayWait bool) error {
	if q.made.Sync == 0 {
		return nil
	}
	if !mayWait {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, tryPatience, errBusy)
		defer cancel()
	}
	var sent, ticket uint64
	writes := false
	q.o.Touch(func() { sent = atomic.LoadUint64(&q.h.tail) })
	err := q.o.Wait(ctx, q.written, nil, func(check bool) (bool, error) {
		if atomic.LoadUint64(&q.h.synced) >= sent {
			return true, nil
		}
		var err error
		if check { // whether the process that writes lives
			ticket, writes, err = q.disk.TryLock()
		} else {
			ticket, writes = q.disk.LockFree()
		}
		if err == nil && !writes {
			err = q.whetherRemoved()
		}
		return writes, err
	})
	if errors.Is(err, errBusy) {
		err = q.o.Use(q.persistNow)
	}
	if writes {
		err = q.o.Use(q.persistNow)
		if unlocking := q.disk.Unlock(ticket); err == nil {
			err = unlocking
		}
		q.o.Touch(func() { q.written.Wake(wait.All) })
	}
	if err != nil {
		return fmt.Errorf("the message is in the queue, but perhaps not on the disk: %w", fail.Bare(err))
	}
	return nil
}

// persistNow writes the queue to the disk.
func (q *LocalQueue) persistNow() error {
	tail, head := atomic.LoadUint64(&q.h.tail), atomic.LoadUint64(&q.h.head)
	if err := q.o.Flush(); err != nil {
		return err
	}
	killpoint.Here("mq synced")
	raise(&q.h.synced, tail)
	raise(&q.h.syncedHead, head)
	return nil
}

// raise stores v, unless there is more.
func raise(word *uint64, v uint64) {
	for {
		old := atomic.LoadUint64(word)
		if old >= v || atomic.CompareAndSwapUint64(word, old, v) {
			return
		}
	}
}
