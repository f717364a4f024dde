package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// witness is where those who hold a lock find out that they shouldn't.
type witness struct {
	// writer is who writes: his process, and the resets so far. One that is from
	// before a reset is nobody's.
	writer           atomic.Uint64
	resets           atomic.Uint32
	_                uint32
	reads, writes    atomic.Int64
	repairs, recalls atomic.Int64
}

// alone checks that nobody writes.
func (w *witness) alone() error {
	by, resets := w.writer.Load(), w.resets.Load()
	if by != 0 && uint32(by) == resets {
		return fmt.Errorf("process %d writes at the same time", by>>32)
	}
	return nil
}

func (w *witness) read(m *RWMutex) error {
	h, err := m.RLock(context.Background())
	if err != nil {
		return err
	}
	for range rand.IntN(100) {
		if err := w.alone(); err != nil {
			return err
		}
	}
	w.reads.Add(1)
	return h.Unlock()
}

func (w *witness) write(m *RWMutex) error {
	h, err := m.Lock(context.Background())
	if err != nil {
		return err
	}
	if h.Recovered() {
		w.repairs.Add(1)
	} else if err := w.alone(); err != nil {
		return err
	}
	me := uint64(os.Getpid())<<32 | uint64(w.resets.Load())
	w.writer.Store(me)
	if err := h.MarkConsistent(); err != nil {
		return err
	}
	for range rand.IntN(100) {
		if by := w.writer.Load(); by != me {
			return fmt.Errorf("process %d writes too", by>>32)
		}
	}
	w.writer.Store(0)
	w.writes.Add(1)
	return h.Unlock()
}

// sufferer reads and writes under the lock Args[0] until it is killed, with the
// witness in the segment Args[1].
var sufferer = ipctest.Helper("sufferer", func(c *ipctest.Control) error {
	m, err := OpenRWMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	w, closeShared, err := openShared[witness](c.Args[1])
	if err != nil {
		return err
	}
	defer closeShared()
	work := func() error {
		for {
			do := w.read
			if rand.IntN(3) == 0 {
				do = w.write
			}
			err := do(m)
			if errors.Is(err, breezeway.ErrOwnerDead) {
				err = w.write(m)
			}
			if errors.Is(err, breezeway.ErrNotRecoverable) {
				w.recalls.Add(1)
				w.resets.Add(1)
				err = m.Reset()
			}
			if err != nil {
				return err
			}
		}
	}
	failed := make(chan error, 2)
	for range 2 {
		go func() { failed <- work() }()
	}
	c.Say("working")
	err = <-failed
	c.Say("%v", err)
	return err
})

// Whoever is killed at whatever moment: never is a writer together with anybody,
// and never does everybody wait.
func TestRWMutexKillStorm(t *testing.T) {
	m := newTestRWMutex(t, nil)
	seg, w := newShared[witness](t)
	workers := make([]*ipctest.Process, 6)
	start := func(i int) {
		workers[i] = ipctest.Start(t, sufferer, m.Name(), seg.Name())
		workers[i].Expect("working")
	}
	for i := range workers {
		start(i)
	}
	for range ipctest.Count(100) {
		before := w.reads.Load() + w.writes.Load()
		for end := time.Now().Add(5 * time.Second); w.reads.Load()+w.writes.Load() == before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				st, err := m.Stats()
				t.Fatalf("nobody gets the lock: %+v, %v, word %#x", st, err, m.rw.word.Load())
			}
		}
		i := rand.IntN(len(workers))
		select {
		case <-workers[i].Done():
			t.Fatalf("a worker ended: %s", workers[i].Stderr())
		default:
		}
		workers[i].Kill()
		if line, ok := workers[i].TryHear(); ok {
			t.Fatal(line)
		}
		start(i)
	}
	for _, p := range workers {
		p.Kill()
		if line, ok := p.TryHear(); ok {
			t.Error(line)
		}
	}
	h, err := m.Lock(t.Context())
	if errors.Is(err, breezeway.ErrNotRecoverable) {
		if err := m.Reset(); err != nil {
			t.Error(err)
		}
	} else if err == nil {
		h.MarkConsistent()
		mustUnlock(t, h)
	}
	wantTry(t, m, true, true)
	t.Logf("%d reads, %d writes, %d repairs, %d resets", w.reads.Load(), w.writes.Load(), w.repairs.Load(), w.recalls.Load())
}
