package sys

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMoveAwayRestrictsNothing compares where the thread may run before and after.
func TestMoveAwayRestrictsNothing(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		MoveAway()
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Errorf("the thread may run on %v, before on %v", after, before)
	}
}
