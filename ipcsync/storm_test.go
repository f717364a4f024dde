package ipcsync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// arena is what the processes of a storm share.
type arena struct {
	Owner  atomic.Int64 // process in the critical section
	Turns  atomic.Int64
	Wrong  atomic.Int64 // times that two were in it
	Unsaid atomic.Int64 // times that one found another's traces, and wasn't told of its death
}

// turn is a stay in the critical section.
func (a *storm) turn(h Held) error {
	if a.kind == "permits" { // where others are too
		a.Turns.Add(1)
		return nil
	}
	if h.Recovered() && rand.IntN(4) == 0 { // the next one is told again
		a.Turns.Add(1)
		return nil
	}
	me := int64(os.Getpid())
	before := a.Owner.Swap(me)
	if before != 0 && a.tells() && !h.Recovered() {
		a.Unsaid.Add(1)
	}
	for range rand.IntN(200) {
		if a.Owner.Load() != me {
			a.Wrong.Add(1)
			break
		}
	}
	a.Turns.Add(1)
	if !a.Owner.CompareAndSwap(me, 0) {
		a.Wrong.Add(1)
	}
	if h.Recovered() {
		return h.MarkConsistent()
	}
	return nil
}

// patience is after which time a lock that isn't had is taken for lost. It is
// long since a machine may have more to do than turns of 64 processes.
const patience = 30 * time.Second

// storm is what the processes of one contend for: a lock, and what it protects.
type storm struct {
	kind string
	lock exclusive
	*arena
}

// stormKinds are the locks in a storm; the arena of the nth is at page n.
var stormKinds = []string{"mutex", "rwmutex", "permit", "permits", "file"}

// tells reports whether the lock tells that a holder died.
func (s *storm) tells() bool { return s.kind != "permit" && s.kind != "file" }

func openStorm(name, segment string) (storms []storm, close func(), err error) {
	seg, err := shm.Open(segment, nil)
	if err != nil {
		return nil, nil, err
	}
	close = func() {
		for _, s := range storms {
			s.lock.Close()
		}
		seg.Close()
	}
	for i, kind := range stormKinds {
		a, err := mmap.View[arena](seg.Mapping, i*os.Getpagesize())
		if err != nil {
			return storms, close, err
		}
		lock, err := openExclusive(kind, name)
		if err != nil {
			return storms, close, err
		}
		storms = append(storms, storm{kind, lock, a})
	}
	return storms, close, nil
}

// stormy takes turns at the locks Args[0], in the segment Args[1], until it is
// told to end or killed.
var stormy = ipctest.Helper("stormy", func(c *ipctest.Control) error {
	storms, close, err := openStorm(c.Args[0], c.Args[1])
	if err != nil {
		return err
	}
	defer close()
	var ended atomic.Bool
	go func() {
		c.Hear()
		ended.Store(true)
	}()
	for !ended.Load() {
		s := storms[rand.IntN(len(storms))]
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		h, err := s.lock.Lock(ctx)
		cancel()
		if err == nil {
			err = s.turn(h)
		}
		if err == nil {
			err = h.Unlock()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.kind, err)
		}
	}
	return nil
})

// 64 processes are killed and replaced at random. There are never two owners, no
// wait lasts for ever, and holders after a dead one are told.
func TestStorm(t *testing.T) {
	t.Parallel() // with the models, so that they take no longer together

	const processes = 64
	name := ipctest.UniqueName()
	seg, err := shm.Create(ipctest.UniqueName(), int64(len(stormKinds)*os.Getpagesize()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer shm.Remove(shm.KindSegment, seg.Name(), nil)
	defer seg.Close()
	storms, closeAll, err := openStorm(name, seg.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		closeAll()
		for _, kind := range stormKinds {
			removeExclusive(t, kind, name)
		}
	}()

	ps := make([]*ipctest.Process, max(4, ipctest.Count(processes)))
	for i := range ps {
		ps[i] = ipctest.Start(t, stormy, name, seg.Name())
	}
	kills := 0
	for end := time.Now().Add(time.Duration(ipctest.Count(30_000)) * time.Millisecond); time.Now().Before(end); kills++ {
		i := rand.IntN(len(ps))
		select {
		case <-ps[i].Done():
			t.Fatalf("one has ended: %v; stderr: %s", ps[i].Wait(), ps[i].Stderr())
		default:
		}
		ps[i].Kill()
		ps[i] = ipctest.Start(t, stormy, name, seg.Name())
	}
	for _, p := range ps {
		p.Say("end")
	}
	for _, p := range ps {
		if err := p.Wait(); err != nil {
			t.Errorf("%v; stderr: %s", err, p.Stderr())
		}
	}
	for _, s := range storms {
		h, err := s.lock.Lock(t.Context())
		if err != nil {
			t.Fatal(s.kind, err)
		}
		if err := s.turn(h); err != nil {
			t.Error(s.kind, err)
		}
		mustUnlock(t, h)
		if p, ok := s.lock.(permitLock); ok {
			for range 3 { // those of the last dead are given back to a process that needs them
				if ok, err := p.TryAcquire(); err != nil {
					t.Error(err)
				} else if ok {
					defer p.Release(1)
				}
			}
			st, err := p.Stats()
			if want := map[string]int{"permit": 1, "permits": 3}[s.kind]; err != nil || st.Value != 0 || st.Holders != want {
				t.Errorf("%s: %+v, want %d permits in all; %v", s.kind, st, want, err)
			}
		}
		t.Logf("%s: %d kills, %d turns", s.kind, kills, s.Turns.Load())
		if n := s.Wrong.Load(); n > 0 {
			t.Errorf("%s: two had it, %d times", s.kind, n)
		}
		if n := s.Unsaid.Load(); n > 0 {
			t.Errorf("%s: %d were not told that the owner had died", s.kind, n)
		}
	}
}
