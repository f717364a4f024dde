//go:build killpoints

package ipcsync

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// semaphoreMortal opens or makes the semaphore Args[0], takes what there is, gives
// one permit and waits for two, and is to be killed on the way.
var semaphoreMortal = ipctest.Helper("semaphore mortal", func(c *ipctest.Control) error {
	s, err := OpenOrCreateSemaphore(c.Args[0], 1, nil)
	if err != nil {
		return err
	}
	if c.Args[1] == "giver" {
		_, err = s.Release(1)
		return err
	}
	for range 2 {
		if err := s.Acquire(context.Background()); err != nil {
			return err
		}
	}
	return nil
})

// Wherever a process is killed, the others go on and count right.
func TestKillMatrixSemaphore(t *testing.T) {
	for _, c := range []struct {
		point, does string
		permits     int // that are left
		waiters     int
	}{
		{"object filled", "taker", 1, 0}, // there is none, and a new one is made
		{"object linked", "taker", 1, 0},
		{"semaphore taken", "taker", 0, 0},
		{"semaphore announced", "taker", 0, 1}, // it stays counted
		{"semaphore given", "giver", 2, 0},
	} {
		t.Run(c.point, func(t *testing.T) {
			name := ipctest.UniqueName()
			killAtSemaphore(t, c.point, name, c.does)
			s, err := OpenOrCreateSemaphore(name, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer Remove(KindSemaphore, name, nil)
			keepSemaphore(t, s)
			if stats, err := s.Stats(); stats.Value != c.permits || stats.Waiters != c.waiters || err != nil {
				t.Errorf("%+v, %v", stats, err)
			}
			if _, err := s.Release(1); err != nil {
				t.Error(err)
			}
			for range c.permits + 1 {
				if err := s.Acquire(t.Context()); err != nil {
					t.Error(err)
				}
			}
			wantPermits(t, s, 0)
			if err := Remove(KindSemaphore, name, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(semaphorePath(name)); !os.IsNotExist(err) {
				t.Errorf("left behind: %v", err)
			}
		})
	}
	t.Run("before it wakes", func(t *testing.T) {
		s := newTestSemaphore(t, 0, nil)
		result := make(chan error)
		go func() { result <- s.Acquire(context.Background()) }()
		mustAwaitAcquiring(t, 1)
		killAtSemaphore(t, "semaphore given", s.Name(), "giver")
		start := time.Now()
		if err := <-result; err != nil {
			t.Error(err)
		}
		ipctest.WantSince(t, start, 200*time.Millisecond)
	})
}

// Close overtakes a Release that has given a permit, and has not yet woken a waiter. C's
// waiter, which never looks by itself, gets the permit all the same.
func TestKillMatrixReleaseOvertakenByClose(t *testing.T) {
	peer := ipctest.C(t, "testdata/semaphore_peer.c")
	for _, where := range []string{"named", "placed"} {
		t.Run(where, func(t *testing.T) {
			waiting := newTestSemaphore(t, 0, nil)
			closing := sameSemaphore(t, waiting.Name(), nil)
			if where == "placed" { // the same memory
				f, err := os.OpenFile(semaphorePath(waiting.Name()), os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if closing, err = OpenSemaphore("", &Config{At: Place{File: f}}); err != nil {
					t.Fatal(err)
				}
				keepSemaphore(t, closing)
				closing.direct = closing.permits.(*semaphoreWords) // as in memory that can't be truncated
			}
			p := ipctest.StartCommand(t, peer())
			tell(t, p, "open "+waiting.Name(), "opened")
			p.Say("take 1")
			awaitWaiters(t, waiting, 1)
			given, goOn := make(chan bool), make(chan bool)
			killpoint.Stall("semaphore given", func() {
				given <- true
				<-goOn
			})
			released := make(chan error)
			go func() {
				_, err := closing.Release(1)
				released <- err
			}()
			<-given
			if err := closing.Close(); err != nil {
				t.Error(err)
			}
			close(goOn)
			ipctest.WantError(t, <-released, os.ErrClosed)
			p.Expect("taken")
			wantPermits(t, waiting, 0)
			endPeer(t, p)
		})
	}
}

func killAtSemaphore(t *testing.T, point string, args ...string) {
	t.Helper()
	cmd := ipctest.HelperCommand(t, semaphoreMortal, args...)
	cmd.Env = append(cmd.Env, killpoint.Env+"="+point)
	p := ipctest.StartCommand(t, cmd)
	if p.Wait() == nil {
		t.Fatal("it did not die")
	}
	if text := p.Stderr(); text != "" {
		t.Fatalf("it failed before it died: %s", text)
	}
}
