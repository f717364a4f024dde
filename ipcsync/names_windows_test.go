package ipcsync

import (
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Tracked semaphores whose names differ only by case share nothing: no permit of the one
// is given back to the other.
func TestTrackTellsCaseApart(t *testing.T) {
	name := strings.ToLower(ipctest.UniqueName())
	open := func(name string, value int) *Semaphore {
		t.Helper()
		s, err := CreateSemaphore(name, value, tracking)
		if err != nil {
			t.Fatal(err)
		}
		return keepSemaphore(t, s)
	}
	lower, upper := open(name, 2), open(strings.ToUpper(name), 2)
	holder := startPermitHolder(t, upper, 2)
	if st, err := lower.Stats(); err != nil || st.Holders != 0 {
		t.Errorf("stats of the other: %+v, %v", st, err)
	}
	mustAcquire(t, lower)
	holder.Kill()
	mustAcquire(t, upper) // what the holder had
	wantPermits(t, lower, 1)
	wantPermits(t, upper, 1)
	for s, want := range map[*Semaphore]int64{lower: 0, upper: 2} {
		if st, err := s.Stats(); err != nil || st.Recoveries != want {
			t.Errorf("%s: %+v, %v", s.Name(), st, err)
		}
	}
}

// Objects whose names differ only by case or by a dot at the end are as many.
func TestNamesThatAlmostAgree(t *testing.T) {
	name := strings.ToLower(ipctest.UniqueName())
	for _, name := range []string{name, strings.ToUpper(name), name + ".", name + ".."} {
		m, err := CreateRWMutex(name, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if err := Remove(KindRWMutex, name, nil); err != nil {
				t.Error(err)
			}
		})
	}
	names, err := List(KindRWMutex, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, n := range names {
		if strings.HasPrefix(strings.ToLower(n), name) {
			found++
		}
	}
	if found != 4 {
		t.Errorf("%q", names)
	}
}
