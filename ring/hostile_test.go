package ring

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// A hostile process writes anything anywhere into the object, while this one uses it: its
// calls fail or return nonsense; they don't panic, nor touch other memory, nor outlast
// their contexts.
func TestHostileBytes(t *testing.T) {
	for range ipctest.Count(500) {
		for _, cfg := range []*Config{
			{}, {Shape: ManyToOne}, {Shape: Broadcast, Receivers: 3},
			{Shape: Broadcast, Slow: SlowSkip, Start: StartOldest}, {Shape: Broadcast, Slow: SlowDisconnect},
		} {
			hostileBytes(t, cfg)
		}
	}
}

func hostileBytes(t *testing.T, cfg *Config) {
	cfg.CapacityBytes = 2048
	b := newBytes(t, cfg)
	m := must[*mmap.Mapping](t)(mmap.Map(b.c.o.File(), nil))
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { sendNonsense(ctx, b) })
	all.Go(func() { receiveNonsense(ctx, b) })
	scribble(ctx, m, int(b.c.o.Layout().Size()-b.c.o.Layout().Body))
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(ipctest.Patience):
		t.Fatal("a call has outlasted its context")
	}
}

func sendNonsense(ctx context.Context, b *Bytes) {
	for ctx.Err() == nil {
		s, err := b.Sender()
		if err != nil {
			continue
		}
		for err == nil && ctx.Err() == nil && rand.IntN(100) > 0 {
			brief, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(1000))*time.Microsecond)
			var l BytesLoan
			if l, err = s.Loan(brief, rand.IntN(b.MaxMessage())); err == nil {
				clear(l.Bytes())
				err = l.Send()
			}
			cancel()
		}
		s.Close()
	}
}

func receiveNonsense(ctx context.Context, b *Bytes) {
	for ctx.Err() == nil {
		b.Stats()
		r, err := b.Receiver()
		if err != nil {
			continue
		}
		for err == nil && ctx.Err() == nil && rand.IntN(100) > 0 {
			brief, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(1000))*time.Microsecond)
			var s BytesSample
			if s, err = r.Receive(brief); err == nil {
				sum := 0
				for _, b := range s.Bytes() {
					sum += int(b)
				}
				err = s.Release()
			}
			cancel()
		}
		r.Close()
	}
}

// scribble writes into the object, but not into the slots of processes, which end before
// the body: these are package liveness's.
func scribble(ctx context.Context, m *mmap.Mapping, body int) {
	head := 64 + int(unsafe.Offsetof(head{}.fixed))
	for ctx.Err() == nil {
		off := body + rand.IntN((m.Len()-body)/8)*8
		if rand.IntN(2) == 0 {
			off = 64 + rand.IntN((head-64)/8)*8
		}
		if word := (off - 64) / 8; word <= 2 && rand.IntN(200) > 0 {
			continue // a damaged word of an owner ends all use
		}
		mmap.AtomicStore(m, off, nonsense())
		if rand.IntN(50) == 0 {
			time.Sleep(100 * time.Microsecond) // so that calls come between
		}
	}
}

func nonsense() uint64 {
	switch rand.IntN(4) {
	case 0:
		return rand.Uint64()
	case 1:
		return uint64(rand.IntN(100))
	case 2:
		return 1<<uint(rand.IntN(64)) - 1
	}
	return uint64(rand.IntN(20))<<32 | uint64(rand.IntN(4000))
}
