package wait

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// A process that is stopped swallows a wake-up as a killed one does, and goes on
// waiting when it is continued.
func TestStoppedWaiter(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		p := m.start(t, taker)
		p.Say("take in the background")
		p.Expect("parked")
		goOn := ipctest.Stop(t, p.Process.Pid)
		result := make(chan error)
		go func() { result <- s.acquire(context.Background()) }()
		until(t, "the second waiter", func() bool { return s.gate.w.queued.Load() > 0 })
		s.release(1)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		s.release(1)
		goOn()
		p.Expect("took <nil>")
	})
}

// A signal that interrupts a parked thread ends no wait.
func TestInterruptedPark(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		result := make(chan error)
		tid := make(chan int)
		go func() {
			runtime.LockOSThread()
			tid <- unix.Gettid()
			result <- s.acquire(context.Background())
		}()
		thread := <-tid
		until(t, "the announcement", s.parked)
		for range ipctest.Count(1000) {
			sys.Interrupt(thread)
		}
		select {
		case err := <-result:
			t.Fatalf("it ended with %v", err)
		default:
		}
		s.release(1)
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

// When the file is truncated, the waiters' own attempts fault, which the waiters
// can guard against. The goroutines of this package survive.
func TestMemoryGone(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		gone := errors.New("gone")
		n := maxOwnThreads() + 3
		results := make(chan error)
		for i := range n {
			s := m.semaphore(i)
			go func() {
				defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
				defer func() {
					if p := recover(); p != nil {
						if _, fault := p.(interface{ Addr() uintptr }); !fault {
							panic(p)
						}
						results <- gone
					}
				}()
				results <- s.acquire(context.Background())
			}()
		}
		until(t, "all to be parked", func() bool { return parkedEntries() == n })
		if err := m.file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		for range n {
			if err := <-results; !errors.Is(err, gone) && !errors.Is(err, unix.EFAULT) {
				t.Errorf("%v", err)
			}
		}
	})
}

// bouncer answers on semaphore 0 what comes on semaphore 1, or on bare futexes.
var bouncer = ipctest.Helper("bouncer", func(c *ipctest.Control) error {
	m, err := openMemory(c.Args[1])
	if err != nil {
		return err
	}
	c.Say("ready")
	if c.Args[0] == "bare" {
		for i := uint32(1); ; i++ {
			awaitBare(m.word(10), i)
			wakeBare(m.word(11), i)
		}
	}
	from, to := m.semaphore(1), m.semaphore(0)
	for {
		from.park(c.Args[0] == "parked")
		if err := from.acquire(context.Background()); err != nil {
			return err
		}
		to.release(1)
	}
})

// park makes the next wait sleep at once.
func (s *semaphore) park(yes bool) {
	if yes {
		s.gate.w.spin.credit.Store(0)
		s.gate.w.spin.skipped.Store(0)
	}
}

// awaitBare and wakeBare are what C would do.
func awaitBare(word *uint32, value uint32) {
	for {
		old := atomic.LoadUint32(word)
		if old == value {
			return
		}
		sys.FutexWait(word, old, time.Second)
	}
}

func wakeBare(word *uint32, value uint32) {
	atomic.StoreUint32(word, value)
	sys.FutexWake(word, 1)
}

func TestRoundTrip(t *testing.T) {
	for _, kind := range []string{"parked", "spinning"} {
		m := newMemory(t)
		there, here := m.semaphore(1), m.semaphore(0)
		p := ipctest.Start(t, bouncer, kind, m.path)
		p.Expect("ready")
		for range ipctest.Count(1000) {
			here.park(kind == "parked")
			there.release(1)
			if err := here.acquire(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		here.gate.Close()
		there.gate.Close()
	}
}

// BenchmarkRoundTrip bounces a permit between two processes, and compares with
// bare futexes, which always park.
func BenchmarkRoundTrip(b *testing.B) {
	for _, kind := range []string{"parked", "spinning"} {
		b.Run(kind, func(b *testing.B) {
			m := newMemory(b)
			there, here := m.semaphore(1), m.semaphore(0)
			subject := ipctest.Start(b, bouncer, kind, m.path)
			subject.Expect("ready")
			baseline := ipctest.Start(b, bouncer, "bare", m.path)
			baseline.Expect("ready")
			var i uint32
			ipctest.Compare(b,
				bench.Contender{Name: "Gate, " + kind, Bytes: 4, PeerPID: subject.Cmd.Process.Pid, Run: func(n int) error {
					for range n {
						here.park(kind == "parked")
						there.release(1)
						if err := here.acquire(context.Background()); err != nil {
							return err
						}
					}
					return nil
				}},
				bench.Contender{Name: "bare futex", Bytes: 4, PeerPID: baseline.Cmd.Process.Pid, Run: func(n int) error {
					for range n {
						i++
						wakeBare(m.word(10), i)
						awaitBare(m.word(11), i)
					}
					return nil
				}})
		})
	}
}

// BenchmarkParked reports what parked waiters cost, in milliseconds of CPU time
// per second. Most of it is the price of waking an idle Go process ten times a
// second, which it pays once; "ticker" is a process that does only that.
func BenchmarkParked(b *testing.B) {
	b.Run("ticker", func(b *testing.B) {
		tick := time.NewTicker(shortCheck)
		defer tick.Stop()
		b.ReportMetric(cpuPerSecond(b, func(second <-chan time.Time) {
			for {
				select {
				case <-tick.C:
				case <-second:
					return
				}
			}
		}), "cpu-ms/s")
	})
	for _, n := range []int{1, runtime.GOMAXPROCS(0), 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := newMemory(b)
			var all []*semaphore
			results := make(chan error)
			for i := range n {
				s := m.semaphore(i)
				all = append(all, s)
				go func() { results <- s.acquire(context.Background()) }()
			}
			until(b, "all to be parked", func() bool { return parkedEntries() == n })
			ms := cpuPerSecond(b, func(second <-chan time.Time) { <-second })
			b.ReportMetric(ms, "cpu-ms/s")
			b.ReportMetric(ms/float64(n), "cpu-ms/s/waiter")
			for _, s := range all {
				s.release(1)
			}
			for range n {
				if err := <-results; err != nil {
					b.Error(err)
				}
			}
		})
	}
}

// cpuPerSecond lets run work for a second and longer, and returns the
// milliseconds of CPU time that this took.
func cpuPerSecond(b *testing.B, run func(second <-chan time.Time)) float64 {
	before, err := sys.CPUTime(0)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for b.Loop() {
		run(time.After(time.Second))
	}
	elapsed := time.Since(start)
	after, err := sys.CPUTime(0)
	if err != nil {
		b.Fatal(err)
	}
	return float64(after-before) / 1e6 / elapsed.Seconds()
}
