package liveness

import (
	"os"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Slot is a slot of an object that this process has taken.
type Slot struct {
	f      *os.File
	number int64
}

// FirstByte is the offset of the byte that is locked for slot 0. It is beyond the end
// of every object, since on Windows a locked byte can't be read.
const FirstByte = 1 << 62

// Take takes a slot of the object whose file is f, or returns nil without an
// error if a living process has it, this one included.
func Take(f *os.File, number int64) (*Slot, error) { return takeFirst(f, number, 1) }

// takeFirst takes the first free one of n slots, or returns nil. It opens the file
// once more, for the lock alone: a descriptor that was mapped, passed or inherited
// would keep the lock after the death of the process.
func takeFirst(f *os.File, number, n int64) (*Slot, error) {
	own, err := sys.Reopen(f)
	if err != nil {
		return nil, err
	}
	for end := number + n; number < end; number++ {
		taken, err := sys.TryLockByte(own, FirstByte+number)
		if taken {
			return &Slot{own, number}, nil
		}
		if err != nil {
			own.Close()
			return nil, err
		}
	}
	return nil, own.Close()
}

// Release gives the slot up. It unlocks before it closes, since a child that is just
// being started may have a copy of the descriptor for a moment.
func (s *Slot) Release() error {
	err := sys.UnlockByte(s.f, FirstByte+s.number)
	if closing := s.f.Close(); err == nil {
		err = closing
	}
	return err
}
