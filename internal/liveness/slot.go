// Package liveness answers, by the kernel's word, whether the process that holds
// something in shared memory still lives.
//
// A holder is a slot and a generation. While a process uses a slot it has a lock
// on that slot's byte of the object's file; the kernel drops the lock when the
// process dies, however it does. Who takes a slot counts its generation up, in
// the object's own memory: what an older generation held is a dead process's.
// This package has the lock only; the generation is the object's to count.
package liveness

import (
	"os"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Slot is a slot of an object that this process has taken.
type Slot struct {
	f      *os.File
	number int
}

// lockedAt is the byte of the file that stands for slot 0. It lies beyond every
// object's end: on Windows a locked byte can't be read.
const lockedAt = 1 << 62

// Take takes a slot of the object whose file is f, or returns nil without an
// error if a living process has it, this one included. It opens the file once
// more, for the lock alone: that descriptor is never mapped, passed or inherited,
// each of which would keep the lock beyond the process's end.
func Take(f *os.File, number int) (*Slot, error) {
	own, err := sys.Reopen(f)
	if err != nil {
		return nil, err
	}
	taken, err := sys.TryLockByte(own, lockedAt+int64(number))
	if err != nil || !taken {
		own.Close()
		return nil, err
	}
	return &Slot{own, number}, nil
}

// Release gives the slot up. It unlocks first: a child that was just being
// started may have a copy of the descriptor for a moment.
func (s *Slot) Release() error {
	err := sys.UnlockByte(s.f, lockedAt+int64(s.number))
	if closing := s.f.Close(); err == nil {
		err = closing
	}
	return err
}
