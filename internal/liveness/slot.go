package liveness

import (
	"os"
	"sync"

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

// held keeps the slots of this process reachable until they are released: a lock that a
// program holds and never touches again is held all the same, and the collector would
// close its descriptor.
var held struct {
	mu    sync.Mutex
	slots map[*Slot]struct{}
}

func hold(s *Slot) *Slot {
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.slots == nil {
		held.slots = map[*Slot]struct{}{}
	}
	held.slots[s] = struct{}{}
	return s
}

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
			return hold(&Slot{own, number}), nil
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
	held.mu.Lock()
	delete(held.slots, s)
	held.mu.Unlock()
	err := sys.UnlockByte(s.f, FirstByte+s.number)
	if closing := s.f.Close(); err == nil {
		err = closing
	}
	return err
}
