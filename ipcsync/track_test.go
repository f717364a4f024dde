package ipcsync

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

var tracking = &Config{Track: true}

// permitHolder takes permits of the tracked semaphore Args[0] and gives them back
// as it hears.
var permitHolder = ipctest.Helper("permit holder", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], tracking)
	if err != nil {
		return err
	}
	defer s.Close()
	c.Say("open")
	for {
		switch c.Hear() {
		case "acquire":
			err = s.Acquire(context.Background())
		case "release":
			_, err = s.Release(1)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		c.Say("done")
	}
})

func startPermitHolder(t *testing.T, s *Semaphore, permits int) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, permitHolder, s.Name())
	p.Expect("open")
	for range permits {
		p.Say("acquire")
		p.Expect("done")
	}
	return p
}

func mustAcquire(t testing.TB, s *Semaphore) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Acquire(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestTrackStats(t *testing.T) {
	s := newTestSemaphore(t, 3, tracking)
	p := startPermitHolder(t, s, 2)
	mustAcquire(t, s)
	if st, err := s.Stats(); err != nil || st.Holders != 3 || len(st.PIDs) != 2 || st.Recoveries != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	p.Kill()
	mustAcquire(t, s)
	if st, err := s.Stats(); err != nil || st.Holders != 2 || len(st.PIDs) != 1 || st.Recoveries != 2 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// A Semaphore that is closed gives back the permits that it holds, and a new
// process in a dead one's slot does it for that.
func TestTrackCloseAndJoin(t *testing.T) {
	s := newTestSemaphore(t, 2, tracking)
	other, err := OpenSemaphore(s.Name(), tracking)
	if err != nil {
		t.Fatal(err)
	}
	mustAcquire(t, other)
	wantPermits(t, s, 1)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	wantPermits(t, s, 2)
	ipctest.WantError(t, other.Acquire(t.Context()), os.ErrClosed)

	startPermitHolder(t, s, 2).Kill()
	wantPermits(t, s, 0)
	p := startPermitHolder(t, s, 0)
	wantPermits(t, s, 2)
	p.Say("end")
	p.Wait()
}

// What is left beside a semaphore that was removed is not the next one's.
func TestTrackOfAnother(t *testing.T) {
	s := newTestSemaphore(t, 2, tracking)
	startPermitHolder(t, s, 2).Kill()
	name := s.Name()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" { // elsewhere it has gone with its last handle
		if err := os.Remove("/dev/shm/sem." + name); err != nil {
			t.Fatal(err)
		}
	}
	s, err := CreateSemaphore(name, 5, tracking)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wantPermits(t, s, 5)
	if st, err := s.Stats(); err != nil || st.Holders != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestTrackWithoutSemaphore(t *testing.T) {
	_, err := OpenSemaphore(ipctest.UniqueName(), tracking)
	ipctest.WantError(t, err, os.ErrNotExist)
}
