package liveness

import (
	"os"
	"testing"
)

func TestSlotOfRemovedFile(t *testing.T) {
	f := newFile(t)
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	s := take(t, f, 0)
	if s == nil || take(t, f, 0) != nil {
		t.Fatal("the slots of a removed file don't work")
	}
	if err := s.Release(); err != nil {
		t.Error(err)
	}
}
