package ring

import (
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// overdue says when to look after what no wake-up announces, to those that only poll or
// spin, and therefore never check.
type overdue struct {
	pos  uint64
	when time.Duration // by sys.Clock; 0: not yet stuck
}

// at reports, once every checkEvery, that the caller is still stuck at a position.
func (o *overdue) at(pos uint64) bool {
	const checkEvery = 20 * time.Millisecond
	now := sys.Clock()
	if o.when == 0 || o.pos != pos {
		o.pos, o.when = pos, now+checkEvery
		return false
	}
	if now < o.when {
		return false
	}
	o.when = now + checkEvery
	return true
}
