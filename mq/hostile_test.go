package mq

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// A hostile process writes anything anywhere into the object, while this one uses it: its
// calls fail or return nonsense; they don't panic, nor touch other memory, nor outlast
// their contexts.
func TestHostileBytes(t *testing.T) {
	for _, durable := range []bool{false, true} {
		for range ipctest.Count(200) {
			hostileBytes(t, durable)
		}
	}
}

func hostileBytes(t *testing.T, durable bool) {
	name := ipctest.UniqueName()
	if durable {
		name = filepath.Join(t.TempDir(), "q")
	}
	cfg := &Config{Capacity: 8, CapacityBytes: 4096, MaxMessage: 2000, LeaseTimeout: time.Millisecond, MaxDeliveries: 3, Full: Full(rand.IntN(3))}
	q, err := Create(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer Remove(name, nil)
	defer q.Close()
	m, err := mmap.Map(q.o.File(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	var calls atomic.Int64
	user := func() {
		for ctx.Err() == nil {
			calls.Add(1)
			brief, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(1000))*time.Microsecond)
			switch rand.IntN(7) {
			case 0, 1, 2:
				q.Send(brief, Outgoing{Body: make([]byte, rand.IntN(2000)), Priority: rand.IntN(32), TTL: time.Duration(rand.IntN(2))})
			case 3:
				q.Receive(brief, nil)
			case 4, 5:
				if d, err := q.Lease(brief, nil); err == nil && rand.IntN(2) == 0 {
					d.Nack(brief, time.Duration(rand.IntN(2)))
				} else if err == nil {
					d.Ack(brief)
				}
			case 6:
				q.Stats(brief)
				if other, err := Open(name, nil); err == nil {
					other.Close()
				}
			}
			cancel()
		}
	}
	all.Go(user)
	all.Go(user)
	start := int(q.o.Layout().Size()) - int(q.o.Layout().Body)
	for ctx.Err() == nil {
		off := rand.IntN(m.Len()/8) * 8
		if rand.IntN(2) == 0 {
			off = 64 + rand.IntN(1024/8)*8 // the head
		}
		var v uint64
		switch rand.IntN(4) {
		case 0:
			v = rand.Uint64()
		case 1:
			v = uint64(rand.IntN(20))
		case 2:
			v = 1<<uint(rand.IntN(64)) - 1
		case 3:
			v = uint64(rand.IntN(20))<<32 | uint64(rand.IntN(20))
		}
		if off >= 64+1024 && off < start {
			continue // the slots of processes: package liveness
		}
		switch off - 64 { // damaged words of mutexes end all use
		case int(unsafe.Offsetof(head{}.in)), int(unsafe.Offsetof(head{}.out)), int(unsafe.Offsetof(head{}.disk)):
			if rand.IntN(200) > 0 {
				continue
			}
		}
		if err := mmap.AtomicStore(m, off, v); err != nil {
			t.Fatal(err)
		}
		if rand.IntN(50) == 0 {
			time.Sleep(100 * time.Microsecond) // so that calls come between
		}
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(ipctest.Patience): // Open waits for 10 s where a lock names a living process
		t.Fatalf("a call has outlasted its context\n%s", ipctest.Stacks())
	}
}

// A queue whose bodies may be larger than all its blocks together was not made so: a
// receiver would allocate by what stands there.
func TestBodiesThatCantBeInTheQueue(t *testing.T) {
	path := newDurable(t, 0, &Config{Capacity: 4, CapacityBytes: 4096, MaxMessage: 1000, Slots: 4})
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(64 + unsafe.Offsetof(head{}.fixed) + unsafe.Offsetof(fixed{}.MaxMessage))
	if _, err := f.WriteAt([]byte{0, 0, 0, 0x40}, at); err != nil {
		t.Fatal(err)
	}
	q, err := Open(path, nil)
	if err == nil {
		q.Close()
	}
	ipctest.WantError(t, err, breezeway.ErrMismatch)
}
