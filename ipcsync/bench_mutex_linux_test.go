package ipcsync

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

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
	p := ipctest.Start(b, rival, "mutex", m.Name(), seg.Name())
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
