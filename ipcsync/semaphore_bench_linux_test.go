package ipcsync

import (
	"context"
	"fmt"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// inC is the contender whose operations a C program performs, as many as it is
// told.
func inC(name string, p *ipctest.Process) bench.Contender {
	return bench.Contender{Name: name, Stream: true, PeerPID: p.Process.Pid, Run: func(n int) error {
		p.Say(fmt.Sprint(n))
		p.Expect("done")
		return nil
	}}
}

// BenchmarkSemaphore takes and gives a permit that no other process wants, against
// glibc's sem_wait and sem_post in a C program.
func BenchmarkSemaphore(b *testing.B) {
	peer := ipctest.C(b, "testdata/semaphore_peer.c")
	for name, cfg := range map[string]*Config{"own": nil, "shared with others": {Mode: 0o666}} {
		b.Run(name, func(b *testing.B) {
			s, theirs := newTestSemaphore(b, 1, cfg), newTestSemaphore(b, 1, nil)
			ctx := b.Context()
			pairs := bench.Contender{Name: "Acquire and Release", Stream: true, Run: func(n int) error {
				for range n {
					if err := s.Acquire(ctx); err != nil {
						return err
					}
					if _, err := s.Release(1); err != nil {
						return err
					}
				}
				return nil
			}}
			ipctest.Compare(b, pairs, inC("sem_wait and sem_post", ipctest.StartCommand(b, peer("pairs", theirs.Name()))))
		})
	}
}

// semaphorePong takes from the semaphore Args[0] and gives to Args[1] for ever.
var semaphorePong = ipctest.Helper("semaphore pong", func(c *ipctest.Control) error {
	take, err := OpenSemaphore(c.Args[0], nil)
	if err != nil {
		return err
	}
	give, err := OpenSemaphore(c.Args[1], nil)
	if err != nil {
		return err
	}
	c.Say("ready")
	for {
		if err := take.Acquire(context.Background()); err != nil {
			return err
		}
		if _, err := give.Release(1); err != nil {
			return err
		}
	}
})

func pingPong(t testing.TB, there, back *Semaphore, n int) error {
	for range n {
		if _, err := there.Release(1); err != nil {
			return err
		}
		if err := back.Acquire(t.Context()); err != nil {
			return err
		}
	}
	return nil
}

func TestSemaphorePingPong(t *testing.T) {
	there, back := newTestSemaphore(t, 0, nil), newTestSemaphore(t, 0, nil)
	ipctest.Start(t, semaphorePong, there.Name(), back.Name()).Expect("ready")
	if err := pingPong(t, there, back, ipctest.Count(20_000)); err != nil {
		t.Error(err)
	}
	wantPermits(t, there, 0)
	wantPermits(t, back, 0)
}

// BenchmarkSemaphorePingPong hands a permit to another process and one back,
// against two C programs that do the same.
func BenchmarkSemaphorePingPong(b *testing.B) {
	peer := ipctest.C(b, "testdata/semaphore_peer.c")
	there, back := newTestSemaphore(b, 0, nil), newTestSemaphore(b, 0, nil)
	p := ipctest.Start(b, semaphorePong, there.Name(), back.Name())
	p.Expect("ready")
	ours := bench.Contender{Name: "ours", Stream: true, PeerPID: p.Process.Pid, Run: func(n int) error {
		return pingPong(b, there, back, n)
	}}
	thereC, backC := newTestSemaphore(b, 0, nil), newTestSemaphore(b, 0, nil)
	ipctest.StartCommand(b, peer("pong", thereC.Name(), backC.Name())).Expect("ready")
	ipctest.Compare(b, ours, inC("C", ipctest.StartCommand(b, peer("ping", thereC.Name(), backC.Name()))))
}
