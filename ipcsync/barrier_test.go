package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// newTestBarrier makes a barrier that is closed and removed when the test is over.
func newTestBarrier(t testing.TB, parties int) *Barrier {
	t.Helper()
	b, err := CreateBarrier(ipctest.UniqueName(), parties, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		removeIfThere(t, KindBarrier, b.Name())
	})
	return b
}

// meeting is how a Wait ended.
type meeting struct {
	index int
	err   error
}

// meet has n goroutines wait at a barrier.
func meet(ctx context.Context, b *Barrier, n int) <-chan meeting {
	results := make(chan meeting, n)
	for range n {
		go func() {
			index, err := b.Wait(ctx)
			results <- meeting{index, err}
		}()
	}
	return results
}

// wantBroken takes n results, all of which are to be that the barrier is broken.
func wantBroken(t testing.TB, results <-chan meeting, n int) {
	t.Helper()
	for range n {
		ipctest.WantError(t, (<-results).err, breezeway.ErrBroken, "Reset")
	}
}

// ending is how a Wait ended in another process, in a word.
func ending(index int, err error) string {
	for word, sentinel := range map[string]error{"broken": breezeway.ErrBroken, "late": context.DeadlineExceeded, "removed": breezeway.ErrRemoved} {
		if errors.Is(err, sentinel) {
			return word
		}
	}
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(index)
}

// party opens the barrier Args[0] and does what it is told. With time-outs it
// waits no longer than those, in µs.
var party = ipctest.Helper("party", func(c *ipctest.Control) error {
	b, err := OpenBarrier(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { b.Close() })
	c.Say("slot %d", b.s.Me.Holder.Slot())
	for {
		switch words := strings.Fields(c.Hear()); words[0] {
		case "wait":
			go func() { c.Say("%s", ending(b.Wait(context.Background()))) }()
		case "reset":
			c.Say("%v", b.Reset())
		default: // time-outs
			var all sync.WaitGroup
			for _, w := range words {
				limit, err := strconv.Atoi(w)
				if err != nil {
					return err
				}
				all.Go(func() { c.Say("%s", waitFor(b, limit)) })
			}
			all.Wait()
		}
	}
})

func waitFor(b *Barrier, µs int) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(µs)*time.Microsecond)
	defer cancel()
	return ending(b.Wait(ctx))
}

func startParty(t testing.TB, b *Barrier) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, party, b.Name())
	p.Expect("slot 1")
	return p
}

// No wait ends before all parties have come, and each is told its place in the row.
func TestBarrier(t *testing.T) {
	b := newTestBarrier(t, 4)
	p := startParty(t, b)
	for range 3 {
		p.Say("wait")
		awaitWaiters(t, b, 1)
		first := meet(t.Context(), b, 1)
		awaitWaiters(t, b, 2)
		p.Say("wait")
		awaitWaiters(t, b, 3)
		if index, err := b.Wait(t.Context()); index != 3 || err != nil {
			t.Errorf("the last: %d, %v", index, err)
		}
		if m := <-first; m.index != 1 || m.err != nil {
			t.Errorf("the second: %+v", m)
		}
		theirs := []string{p.Hear(), p.Hear()}
		slices.Sort(theirs)
		if theirs[0] != "0" || theirs[1] != "2" {
			t.Errorf("the others: %q", theirs)
		}
	}
	if st, err := b.Stats(); err != nil || st.Value != 1 || st.Max != 4 || st.Waiters != 0 || b.Parties() != 4 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestBarrierOfOne(t *testing.T) {
	b := newTestBarrier(t, 1)
	for range 3 {
		if index, err := b.Wait(t.Context()); index != 0 || err != nil {
			t.Error(index, err)
		}
	}
}

// steps are counted by each party, in a segment.
type steps [4]atomic.Int64

// march takes n steps, each when all have taken the one before.
func march(b *Barrier, all *steps, me, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
	defer cancel()
	for i := range int64(n) {
		all[me].Store(i + 1)
		if _, err := b.Wait(ctx); err != nil {
			return err
		}
		for other := range all {
			// The next step may have been taken, but not the one after.
			if s := all[other].Load(); s < i+1 || s > i+2 {
				return fmt.Errorf("%d is at step %d, and %d at step %d", me, i+1, other, s)
			}
		}
	}
	return nil
}

var marcher = ipctest.Helper("marcher", func(c *ipctest.Control) error {
	b, err := OpenBarrier(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer b.Close()
	all, closeShared, err := openShared[steps](c.Args[1])
	if err != nil {
		return err
	}
	defer closeShared()
	n, err := strconv.Atoi(c.Args[2])
	if err != nil {
		return err
	}
	other := make(chan error)
	go func() { other <- march(b, all, 2, n) }()
	return errors.Join(march(b, all, 3, n), <-other)
})

func TestBarrierKeepsStep(t *testing.T) {
	seg, all := newShared[steps](t)
	b := newTestBarrier(t, len(all))
	n := ipctest.Count(5000)
	p := ipctest.Start(t, marcher, b.Name(), seg.Name(), strconv.Itoa(n))
	other := make(chan error)
	go func() { other <- march(b, all, 1, n) }()
	if err := errors.Join(march(b, all, 0, n), <-other); err != nil {
		t.Error(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v; stderr: %s", err, p.Stderr())
	}
}

// What a party did before it waited all see that go on; the race detector is the
// judge.
func TestBarrierOrdersGoroutines(t *testing.T) {
	const parties = 3
	b := newTestBarrier(t, parties)
	var work [parties]int
	var all sync.WaitGroup
	for me := range parties {
		all.Go(func() {
			for i := range 50 {
				work[me] = i
				if _, err := b.Wait(t.Context()); err != nil {
					t.Error(err)
					return
				}
				for _, w := range work {
					if w != i {
						t.Errorf("%d, want %d", w, i)
					}
				}
				if _, err := b.Wait(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// A cancelled wait breaks the barrier for all, until it is reset.
func TestBarrierCancelled(t *testing.T) {
	b := newTestBarrier(t, 4)
	p := startParty(t, b)
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := b.Wait(ctx)
	ipctest.WantError(t, err, cause) // and nothing happened
	for range 3 {
		p.Say("wait")
		ours := meet(t.Context(), b, 1)
		awaitWaiters(t, b, 2)
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := meet(ctx, b, 1)
		awaitWaiters(t, b, 3)
		start := time.Now()
		cancel(cause)
		ipctest.WantError(t, (<-gone).err, cause)
		ipctest.WantSince(t, start, 20*time.Millisecond)
		wantBroken(t, ours, 1)
		p.Expect("broken")
		ipctest.WantSince(t, start, 200*time.Millisecond)
		_, err := b.Wait(t.Context())
		ipctest.WantError(t, err, breezeway.ErrBroken)
		if st, err := b.Stats(); err != nil || st.Value != 0 || st.Waiters != 0 {
			t.Errorf("stats: %+v, %v", st, err)
		}
		tell(t, p, "reset", "<nil>")
		if st, err := b.Stats(); err != nil || st.Value != 1 || st.Waiters != 0 || st.Recoveries != 0 {
			t.Errorf("stats: %+v, %v", st, err)
		}
	}
}

// Reset ends all waits, in all processes, and begins anew.
func TestBarrierReset(t *testing.T) {
	b := newTestBarrier(t, 3)
	p := startParty(t, b)
	if err := b.Reset(); err != nil {
		t.Error(err)
	}
	for range 10 {
		p.Say("wait")
		ours := meet(t.Context(), b, 1)
		awaitWaiters(t, b, 2)
		if err := b.Reset(); err != nil {
			t.Error(err)
		}
		wantBroken(t, ours, 1)
		p.Expect("broken")
		ours = meet(t.Context(), b, 3)
		for range 3 {
			if m := <-ours; m.err != nil {
				t.Error(m.err)
			}
		}
	}
}

// A waiter that looks only when further rounds have begun is told how its own
// ended.
func TestBarrierLateLook(t *testing.T) {
	b := newTestBarrier(t, 2)
	arrive := func() uint64 {
		t.Helper()
		round, _, err := b.arrive()
		if err != nil {
			t.Fatal(err)
		}
		return round
	}
	var broken, over []uint64
	for i := range 40 {
		round := arrive()
		if i%8 < 3 { // less than 4 further ones are broken before the look
			if err := b.Reset(); err != nil {
				t.Fatal(err)
			}
			broken = append(broken, round)
		} else {
			arrive()
			over = append(over, round)
		}
		for _, r := range broken[max(0, len(broken)-3):] {
			if ok, err := b.isOver(r, true); ok || !errors.Is(err, breezeway.ErrBroken) {
				t.Errorf("in round %d of the broken %d: %v, %v", round, r, ok, err)
			}
		}
		if len(over) > 0 {
			r := over[len(over)-1]
			if ok, err := b.isOver(r, true); !ok || err != nil {
				t.Errorf("in round %d of %d: %v, %v", round, r, ok, err)
			}
		}
	}
}

// Whenever waits are cancelled, a round is over for all or for none.
func TestBarrierStormOfCancels(t *testing.T) {
	const each = 3
	b := newTestBarrier(t, 2*each)
	p := startParty(t, b)
	over, broken := 0, 0
	for range ipctest.Count(3000) {
		var theirs []string
		ours := make(chan string)
		for range each {
			theirs = append(theirs, strconv.Itoa(rand.IntN(300)+1))
			go func() { ours <- waitFor(b, rand.IntN(300)+1) }()
		}
		p.Say(strings.Join(theirs, " "))
		var results []string
		for range each {
			results = append(results, <-ours, p.Hear())
		}
		slices.Sort(results)
		if strings.Join(results, " ") == "0 1 2 3 4 5" {
			over++
			continue
		}
		broken++
		for _, r := range results {
			if r != "broken" && r != "late" {
				t.Fatalf("a round ended with %q", results)
			}
		}
		if err := b.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rounds over, %d broken", over, broken)
}

// A process that dies waiting breaks the barrier, and the others are told soon.
func TestBarrierOfTheDead(t *testing.T) {
	b := newTestBarrier(t, 4)
	for i := range int64(3) {
		dying, other := startParty(t, b), ipctest.Start(t, party, b.Name())
		other.Expect("slot 2")
		dying.Say("wait")
		other.Say("wait")
		ours := meet(t.Context(), b, 1)
		awaitWaiters(t, b, 3)
		dying.Kill()
		start := time.Now()
		wantBroken(t, ours, 1)
		other.Expect("broken")
		ipctest.WantSince(t, start, 200*time.Millisecond)
		if st, err := b.Stats(); err != nil || st.Value != 0 || st.Recoveries != i+1 {
			t.Errorf("stats: %+v, %v", st, err)
		}
		if err := b.Reset(); err != nil {
			t.Fatal(err)
		}
		other.Kill() // it doesn't wait, and breaks nothing
		ours = meet(t.Context(), b, 4)
		for range 4 {
			if m := <-ours; m.err != nil {
				t.Error(m.err)
			}
		}
	}
}

// A process that takes a dead party's slot at once is not taken for it.
func TestBarrierSlotTakenAtOnce(t *testing.T) {
	b := newTestBarrier(t, 3)
	for range 5 {
		dying := startParty(t, b)
		dying.Say("wait")
		ours := meet(t.Context(), b, 1)
		awaitWaiters(t, b, 2)
		dying.Kill()
		next := startParty(t, b)
		wantBroken(t, ours, 1)
		if err := b.Reset(); err != nil {
			t.Fatal(err)
		}
		next.Say("wait")
		ours = meet(t.Context(), b, 2)
		for range 2 {
			if m := <-ours; m.err != nil {
				t.Error(m.err)
			}
		}
		next.Hear()
		next.Kill()
	}
}

func TestBarrierClose(t *testing.T) {
	b := newTestBarrier(t, 3)
	p := startParty(t, b)
	p.Say("wait")
	ours := meet(t.Context(), b, 1)
	awaitWaiters(t, b, 2)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	ipctest.WantError(t, (<-ours).err, os.ErrClosed)
	p.Expect("broken")
	_, err := b.Wait(t.Context())
	ipctest.WantError(t, err, os.ErrClosed)
	ipctest.WantError(t, b.Reset(), os.ErrClosed)
	_, err = b.Stats()
	ipctest.WantError(t, err, os.ErrClosed)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestBarrierExistence(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenBarrier(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "CreateBarrier")
	for _, parties := range []int{-1, 0, maxParties + 1} {
		_, err = CreateBarrier(name, parties, nil)
		ipctest.WantError(t, err, os.ErrInvalid, strconv.Itoa(parties))
	}
	b := newTestBarrier(t, 3)
	_, err = CreateBarrier(b.Name(), 3, nil)
	ipctest.WantError(t, err, os.ErrExist, "OpenBarrier")
	_, err = OpenOrCreateBarrier(b.Name(), 4, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "3", "4")
	other, err := OpenOrCreateBarrier(b.Name(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Created() || !b.Created() || other.Name() != b.Name() {
		t.Error("it is another one")
	}
	other.Close()
}

func TestBarrierInPlace(t *testing.T) {
	at := newPlace(t, 2)
	at.Offset = Size
	_, err := OpenBarrier("", &Config{At: at})
	ipctest.WantError(t, err, fs.ErrNotExist)
	b, err := CreateBarrier("", 3, &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	same, err := OpenBarrier("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	first := meet(t.Context(), b, 1)
	awaitWaiters(t, b, 1)
	second := meet(t.Context(), same, 1)
	awaitWaiters(t, b, 2)
	if index, err := b.Wait(t.Context()); index != 2 || err != nil {
		t.Error(index, err)
	}
	if m := <-first; m.index != 0 || m.err != nil {
		t.Errorf("%+v", m)
	}
	if m := <-second; m.index != 1 || m.err != nil {
		t.Errorf("%+v", m)
	}

	// Close of one of two of a process breaks it.
	first, second = meet(t.Context(), b, 1), meet(t.Context(), same, 1)
	awaitWaiters(t, b, 2)
	if err := same.Close(); err != nil {
		t.Error(err)
	}
	wantBroken(t, first, 1)
	ipctest.WantError(t, (<-second).err, os.ErrClosed)
	_, err = same.Wait(t.Context())
	ipctest.WantError(t, err, os.ErrClosed)
}

// Nonsense in the words of a barrier that is in use is an error, and nothing
// worse.
func TestBarrierOverwritten(t *testing.T) {
	b, err := CreateBarrier("", 2, &Config{At: newPlace(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, nonsense := range []uint64{0, barrierBroken, barrierRound + 2*barrierArrival, ^uint64(0)} {
		b.head.state.Store(nonsense)
		_, err := b.Wait(t.Context())
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		ipctest.WantError(t, b.Reset(), breezeway.ErrMismatch)
		_, err = b.Stats()
		ipctest.WantError(t, err, breezeway.ErrMismatch)
	}
	// A waiter learns it.
	b.head.state.Store(barrierRound)
	ours := meet(t.Context(), b, 1)
	awaitWaiters(t, b, 1)
	b.head.state.Store(0)
	ipctest.WantError(t, (<-ours).err, breezeway.ErrMismatch)
}

// What slots of the dead name is forgotten before that round can come round.
func TestBarrierForgets(t *testing.T) {
	b, err := CreateBarrier("", 2, &Config{At: newPlace(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	state := &b.s.Slots.Entries()[7].State
	state.Store(5<<32 | uint64(partOf(99)))
	ctx, cancel := context.WithCancel(t.Context())
	ours := meet(ctx, b, 1)
	for end := time.Now().Add(ipctest.Patience); state.Load() != 5<<32; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it is still %#x", state.Load())
		}
	}
	cancel()
	ipctest.WantError(t, (<-ours).err, context.Canceled)
}
