package shm

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/unix"
)

// litmusRound is what starts and ends a round of the writer's. The words are in cache
// lines of their own, so that nothing but the litmus test's own words orders its sides.
type litmusRound struct {
	start atomic.Uint64
	_     [2*cacheLine - 8]byte
	done  atomic.Uint64
	_     [2*cacheLine - 8]byte
}

// until spins, since the sides have to meet within nanoseconds. It leaves the processor
// now and then: the other side may have none. It fails if the other side seems to have
// ended.
func until(word *atomic.Uint64, round uint64) error {
	var deadline time.Time
	for i := 1; word.Load() != round; i++ {
		if i%10_000 != 0 {
			continue
		}
		unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		if now := time.Now(); deadline.IsZero() {
			deadline = now.Add(ipctest.Patience)
		} else if now.After(deadline) {
			return fmt.Errorf("round %d is not reached", round)
		}
	}
	return nil
}

// litmusDelay is a pseudo-random number of turns for which a side waits in a round: up
// to 2^bits, or in every fourth round up to 4096, about what a membarrier takes.
type litmusDelay uint32

var turned uint32 // so that no turn is left out

func (d *litmusDelay) spend(round uint64, bits int) {
	*d = *d*1664525 + 1013904223
	if round%4 == 0 {
		bits = 12
	}
	for range uint32(*d) >> (32 - bits) {
		turned++
	}
}

// litmusWriter stores a value of Args[0] in each of Args[2] rounds, of which the
// segment Args[1] tells the start and the end.
var litmusWriter = ipctest.Helper("litmus writer", func(c *ipctest.Control) error {
	l, err := OpenLatest[line](c.Args[0], nil)
	if err != nil {
		return err
	}
	defer l.Close()
	seg, err := Open(c.Args[1], nil)
	if err != nil {
		return err
	}
	defer seg.Close()
	r, err := mmap.View[litmusRound](seg.Mapping, 0)
	if err != nil {
		return err
	}
	rounds, err := strconv.ParseUint(c.Args[2], 10, 64)
	if err != nil {
		return err
	}
	w, err := l.TryWriter()
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(ipctest.Patience); barrier.Needed && !barrier.Reached(); unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) {
		if time.Now().After(deadline) {
			return errors.New("it is not reached by membarrier")
		}
	}
	c.Say("ready")
	delay := litmusDelay(1)
	for round := uint64(1); round <= rounds; round++ {
		if err := until(&r.start, round); err != nil {
			return err
		}
		delay.spend(round, 6)
		if err := w.Store(lineOf(round)); err != nil {
			return err
		}
		r.done.Store(round)
	}
	return nil
})

// TestStoreOrAnnouncementIsSeen has a writer store at the moment at which a waiter
// announces itself and looks, as Wait does before it parks. If the waiter missed the
// value and the writer the announcement, the waiter would sleep through the Store:
// TestNoWakeUpIsLost hardly ever gets there, since a waiter parks late.
//
// Without the membarrier in changedForAnnounced a round in about 1200 is lost where
// both processes have a processor.
func TestStoreOrAnnouncementIsSeen(t *testing.T) {
	if barrier.InAll() != nil {
		t.Skip("this process may not call membarrier(2)")
	}
	l := mustOpenLatest[line](t, ipctest.UniqueName())
	seg := mustCreate(t, 4096, nil)
	r, err := mmap.View[litmusRound](seg.Mapping, 0)
	if err != nil {
		t.Fatal(err)
	}
	rounds := uint64(ipctest.Count(5_000_000))
	p := ipctest.Start(t, litmusWriter, l.o.name, seg.Name(), strconv.FormatUint(rounds, 10))
	p.Expect("ready")
	lost, missed := 0, 0
	const longest = time.Minute // where the sides share a processor a round takes milliseconds
	deadline := time.Now().Add(longest)
	delay := litmusDelay(7)
	for round := uint64(1); round <= rounds; round++ {
		if round%1000 == 0 && time.Now().After(deadline) {
			t.Logf("%d rounds of %d were made in %v", round-1, rounds, longest)
			p.Kill()
			rounds = round - 1
			break
		}
		atomic.StoreUint32(&l.head.gate, 0)
		r.start.Store(round)
		delay.spend(round, 8) // the writer learns of the round later
		atomic.OrUint32(&l.head.gate, gateParked)
		sees, err := l.changedForAnnounced(round - 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := until(&r.done, round); err != nil {
			t.Fatal(err)
		}
		if sees {
			continue
		}
		missed++
		if atomic.LoadUint32(&l.head.gate)&gateParked != 0 {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("in %d of %d rounds neither saw the other", lost, rounds)
	}
	t.Logf("in %d of %d rounds the waiter had to be woken", missed, rounds)
}
