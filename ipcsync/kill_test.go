//go:build killpoints

package ipcsync

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// mortalAt starts a helper that is to be killed at a point.
func mortalAt(t *testing.T, point, helper string, args ...string) *ipctest.Process {
	t.Helper()
	cmd := ipctest.HelperCommand(t, helper, args...)
	cmd.Env = append(cmd.Env, killpoint.Env+"="+point)
	return ipctest.StartCommand(t, cmd)
}

// wantKilled waits until the process has died at its kill point.
func wantKilled(t *testing.T, p *ipctest.Process) {
	t.Helper()
	if p.Wait() == nil {
		t.Fatalf("it did not die; stderr: %s", p.Stderr())
	}
	if text := p.Stderr(); text != "" {
		t.Fatalf("it failed before it died: %s", text)
	}
}

// mortal takes the mutex Args[0] and gives it back.
var mortal = ipctest.Helper("mortal", func(c *ipctest.Control) error {
	m, err := OpenOrCreateMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	h, err := m.Lock(context.Background())
	if err != nil {
		return err
	}
	if len(c.Args) > 1 {
		c.Say("locked")
		c.Hear()
	}
	return h.Unlock()
})

// wantLock takes the mutex from another process, soon.
func wantLock(t *testing.T, m *Mutex, recovered bool) {
	t.Helper()
	start := time.Now()
	h := mustLock(t, m)
	ipctest.WantSince(t, start, 200*time.Millisecond)
	if h.Recovered() != recovered {
		t.Errorf("recovered: %v", h.Recovered())
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
}

// mortalLeader leads under the name Args[0], and resigns.
var mortalLeader = ipctest.Helper("mortal leader", func(c *ipctest.Control) error {
	l, err := Lead(context.Background(), c.Args[0], nil)
	if err != nil {
		return err
	}
	return l.Resign()
})

// Wherever processes die that come to lead, one after the other, or resign, the
// next one leads.
func TestKillMatrixLead(t *testing.T) {
	for point, recovered := range map[string]bool{
		"object filled": false,
		"object linked": false,
		"slot locked":   false,
		"slot counted":  false,
		"owner taken":   true,
		"owner given":   false,
	} {
		t.Run(point, func(t *testing.T) {
			name := ipctest.UniqueName()
			deaths := 3
			if strings.HasPrefix(point, "object") {
				deaths = 1 // later it is there
			}
			for range deaths {
				wantKilled(t, mortalAt(t, point, mortalLeader, name))
			}
			start := time.Now()
			l, err := Lead(t.Context(), name, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer removeIfThere(t, KindLeader, name)
			defer l.Resign()
			ipctest.WantSince(t, start, 200*time.Millisecond)
			if l.Recovered() != recovered {
				t.Errorf("recovered: %v", l.Recovered())
			}
		})
	}
}

// mortalPermit takes a permit of the tracked semaphore Args[0] and gives it back.
var mortalPermit = ipctest.Helper("mortal permit", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], tracking)
	if err != nil {
		return err
	}
	if err := s.Acquire(context.Background()); err != nil {
		return err
	}
	if len(c.Args) > 1 {
		killpoint.At(c.Args[1])
	}
	_, err = s.Release(1)
	return err
})

// A process that has made a table, and can't join it, takes it away, unless another process
// has joined it meanwhile.
func TestKillMatrixTableCantBeJoined(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open can't be removed")
	}
	name := ipctest.UniqueName()
	cfg := &Config{Track: true, Slots: 1}
	s, err := CreateSemaphore(name, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	keepSemaphore(t, s)
	var first *Semaphore
	killpoint.Stall("object linked", func() {
		if first, err = OpenSemaphore(name, cfg); err != nil {
			t.Error(err)
		}
	})
	_, err = OpenSemaphore(name, cfg)
	ipctest.WantError(t, err, breezeway.ErrTooLarge, "1 times")
	keepSemaphore(t, first)
	_, err = OpenSemaphore(name, cfg)
	ipctest.WantError(t, err, breezeway.ErrTooLarge, "1 times")
	mustAcquire(t, first)
	if st, err := Stat(KindSemaphore, name, nil); err != nil || st.Holders != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}

// Wherever a process is killed, its permits come back, and no more than these:
// when it takes them, gives them back, and gives back a dead one's.
func TestKillMatrixTrack(t *testing.T) {
	points := []string{"track noted", "semaphore taken", "track changed", "track counted", "owner given"}
	kernels := runtime.GOOS == "windows"
	if kernels { // where it can't be stopped
		points = slices.Delete(points, 1, 2)
	}
	check := func(t *testing.T, s *Semaphore) {
		start := time.Now()
		for range 3 {
			mustAcquire(t, s)
		}
		ipctest.WantSince(t, start, 200*time.Millisecond)
		wantPermits(t, s, 0)
		if _, err := s.Release(3); err != nil {
			t.Error(err)
		}
		if st, err := s.Stats(); err != nil || st.Value != 3 || st.Holders != 0 {
			t.Errorf("stats: %+v, %v", st, err)
		}
	}
	for _, point := range points {
		t.Run("acquire, "+point, func(t *testing.T) {
			s := newTestSemaphore(t, 3, tracking)
			wantKilled(t, mortalAt(t, point, mortalPermit, s.Name()))
			check(t, s)
		})
	}
	if !kernels {
		points[1] = "semaphore given"
	}
	for _, point := range points {
		t.Run("give back, "+point, func(t *testing.T) {
			s := newTestSemaphore(t, 3, tracking)
			startPermitHolder(t, s, 3).Kill()
			wantKilled(t, mortalAt(t, point, mortalPermit, s.Name()))
			check(t, s)
		})
		t.Run("release, "+point, func(t *testing.T) {
			s := newTestSemaphore(t, 3, tracking)
			wantKilled(t, ipctest.Start(t, mortalPermit, s.Name(), point))
			check(t, s)
		})
	}
}
