package mq

import (
	"context"
	"errors"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// tryPatience is how long a Try… method waits for another process to leave a section. A
// process is there for microseconds; one that was stopped there may never leave.
const tryPatience = 10 * time.Millisecond

// errBusy says that a process didn't leave a section in that time.
var errBusy = errors.New("another process is in the middle of a change")

// within calls f in a section. If it may not wait, it fails with errBusy after
// tryPatience.
func (q *LocalQueue) within(ctx context.Context, s *robust.Section, mayWait bool, f func() error) error {
	// Where memory is protected, Do allocates the variables of its wait, and TryDo nothing.
	if !mayWait || !q.o.Direct {
		if ok, err := s.TryDo(f); ok || err != nil {
			return err
		}
	}
	if mayWait {
		return s.Do(ctx, f)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, tryPatience, errBusy)
	defer cancel()
	return s.Do(ctx, f)
}
