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
)

// witness is where the holders of a lock find out that they are not alone.
type witness struct {
	writer        atomic.Uint64 // the process that writes, or 0
	reads, writes atomic.Int64
	told, repairs atomic.Int64 // readers that were told, writers that repaired
}

// alone checks that no process writes.
func (w *witness) alone() error {
	if by := w.writer.Load(); by != 0 {
		return fmt.Errorf("process %d writes at the same time", by)
	}
	return nil
}

func (w *witness) read(m *RWMutex) error {
	h, err := m.RLock(context.Background())
	if err != nil {
		return err
	}
	for range rand.IntN(100) {
		if h.Recovered() { // a dead writer's mark may be left
			w.told.Add(1)
			break
		}
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
		if rand.IntN(4) == 0 {
			return h.Unlock() // without a look
		}
		w.repairs.Add(1)
	} else if err := w.alone(); err != nil {
		return err
	}
	me := uint64(os.Getpid())
	w.writer.Store(me)
	for range rand.IntN(100) {
		if by := w.writer.Load(); by != me {
			return fmt.Errorf("process %d writes too", by)
		}
	}
	w.writer.Store(0)
	w.writes.Add(1)
	if err := h.MarkConsistent(); err != nil {
		return err
	}
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
			if err := do(m); err != nil {
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

// Whichever process is killed at whatever moment: a writer is always alone, and
// some process always gets on.
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
		for end := time.Now().Add(ipctest.Patience); w.reads.Load()+w.writes.Load() == before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				st, err := m.Stats()
				t.Fatalf("the lock can't be had: %+v, %v, word %#x", st, err, m.lock.head.word.Load())
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
	if err != nil {
		t.Fatal(err)
	}
	mustUnlock(t, h)
	wantTry(t, m, true, true)
	t.Logf("%d reads, %d writes, %d readers told, %d repairs", w.reads.Load(), w.writes.Load(), w.told.Load(), w.repairs.Load())
}
