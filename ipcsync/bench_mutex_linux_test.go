package ipcsync

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// turns is what is done n times: take the mutex, count, give it back.
func turns(m *Mutex, count *int64, n int) error {
	for range n {
		h, err := m.Lock(context.Background())
		if err != nil {
			return err
		}
		*count++
		if err := h.Unlock(); err != nil {
			return err
		}
	}
	return nil
}

// robust is pthread's robust mutex in C, locked by one process or two.
func robust(b *testing.B, processes int) bench.Contender {
	p := ipctest.StartCommand(b, ipctest.C(b, "testdata/robust.c")(strconv.Itoa(processes)))
	p.Expect("ready")
	return bench.Contender{Name: "C robust mutex", Stream: true, Run: func(n int) error {
		p.Say(strconv.Itoa(n))
		p.Expect("done")
		return nil
	}}
}

func BenchmarkMutexUncontended(b *testing.B) {
	m := newTestMutex(b, nil)
	var count int64
	ipctest.Compare(b,
		bench.Contender{Name: "Mutex", Stream: true, Run: func(n int) error { return turns(m, &count, n) }},
		robust(b, 1))
}

// rival contends for the mutex Args[0], as often as it hears, and counts in the
// segment Args[1].
var rival = ipctest.Helper("rival", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	seg, err := shm.Open(c.Args[1], nil)
	if err != nil {
		return err
	}
	defer seg.Close()
	count, err := mmap.View[int64](seg.Mapping, 0)
	if err != nil {
		return err
	}
	c.Say("ready")
	for {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return nil
		}
		if err := turns(m, count, n); err != nil {
			return err
		}
		c.Say("done")
	}
})

func BenchmarkMutexContended(b *testing.B) {
	m := newTestMutex(b, nil)
	seg, err := shm.Create(ipctest.UniqueName(), 64, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer shm.Remove(seg.Name())
	defer seg.Close()
	count, err := mmap.View[int64](seg.Mapping, 0)
	if err != nil {
		b.Fatal(err)
	}
	p := ipctest.Start(b, rival, m.Name(), seg.Name())
	p.Expect("ready")
	var total atomic.Int64
	ipctest.Compare(b,
		bench.Contender{Name: "Mutex", Stream: true, Run: func(n int) error {
			total.Add(2 * int64(n))
			p.Say(strconv.Itoa(n))
			err := turns(m, count, n)
			p.Expect("done")
			return err
		}},
		robust(b, 2))
	if *count != total.Load() {
		b.Error(fmt.Sprintf("%d turns counted, %d taken", *count, total.Load()))
	}
	p.Say("end")
	p.Wait()
}
