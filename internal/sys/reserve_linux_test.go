package sys

import (
	"errors"
	"math"
	"testing"

	"golang.org/x/sys/unix"
)

// More memory than the machine has is refused before any is taken: the system would kill
// processes, of others too. The test takes none itself.
func TestNoMemoryIsTakenThatIsNotThere(t *testing.T) {
	f, err := Memfd("test")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int64{1 << 50, math.MaxInt64} {
		if err := checkSpace(f, n); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for _, n := range []int64{-1, 0, 1, 4096, 1 << 20} {
		if err := checkSpace(f, n); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
