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
