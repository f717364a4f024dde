package ipcsync

import (
	"os"
	"strconv"
	"testing"
)

func TestStatTellsOwnerAndMode(t *testing.T) {
	cfg := &Config{Mode: 0o640}
	me := strconv.Itoa(os.Getuid())
	for kind, name := range map[Kind]string{
		KindMutex:     newTestMutex(t, cfg).Name(),
		KindSemaphore: newTestSemaphore(t, 1, cfg).Name(),
	} {
		if st, err := Stat(kind, name, nil); err != nil || st.Owner != me || st.Mode != 0o640 {
			t.Errorf("%s: %q %v, %v", kind, st.Owner, st.Mode, err)
		}
	}
}

func TestStatTellsHowOftenAnObjectIsOpen(t *testing.T) {
	name := newTestMutex(t, nil).Name()
	for want := 1; want <= 3; want++ {
		if st, err := Stat(KindMutex, name, nil); err != nil || st.Open != want {
			t.Errorf("open %d times, %v; want %d", st.Open, err, want)
		}
		m, err := OpenMutex(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
	}
	sem := newTestSemaphore(t, 1, nil)
	if st, err := Stat(KindSemaphore, sem.Name(), nil); err != nil || st.Open != -1 {
		t.Errorf("a semaphore is open %d times, %v; want -1: glibc doesn't count", st.Open, err)
	}
}
