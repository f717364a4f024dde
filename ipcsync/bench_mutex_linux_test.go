package ipcsync

import (
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// robust is pthread's robust mutex in C.
func robustMutex(b *testing.B, how string) bench.Contender {
	p := ipctest.StartCommand(b, ipctest.C(b, "testdata/robust.c")(how))
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
		robustMutex(b, "1"))
}

// Two processes take turns as they can.
func BenchmarkMutexContended(b *testing.B) {
	benchmarkRivals(b, "2", func(m *Mutex, count *int64, n int) error { return turns(m, count, n) })
}

// Each turn is the other process's: the mutex is handed over every time.
func BenchmarkMutexHandOver(b *testing.B) {
	even := func(count int64) bool { return !odd(count) }
	benchmarkRivals(b, "alternately", func(m *Mutex, count *int64, n int) error { return turnsOf(m, count, n, even) }, "odd")
}

func benchmarkRivals(b *testing.B, how string, run func(*Mutex, *int64, int) error, args ...string) {
	m := newTestMutex(b, nil)
	seg, count := newShared[int64](b)
	p := ipctest.Start(b, rival, append([]string{"mutex", m.Name(), seg.Name()}, args...)...)
	p.Expect("ready")
	var total int64
	ipctest.Compare(b,
		bench.Contender{Name: "Mutex", Stream: true, Run: func(n int) error {
			total += 2 * int64(n)
			p.Say(strconv.Itoa(n))
			err := run(m, count, n)
			p.Expect("done")
			return err
		}},
		robustMutex(b, how))
	if *count != total {
		b.Errorf("%d turns counted, %d taken", *count, total)
	}
	p.Say("end")
	p.Wait()
}
