package release

import "unsafe"

// Line is the size of a cache line.
const Line = 64

// Prepare says that so many cache lines from p on will be stored to soon, so that the
// processor gets them from the others now, all at the same time. A processor performs stores
// in order, and gets the lines of several ahead of time only if no store comes between that
// needs none: as between two messages many do, each message would otherwise wait for its own
// line.
//
// It takes the lines away from processors that are reading them.
//
// Preconditions:
//   - p is aligned to a line, and lines is at least 1;
//   - the lines are mapped: else nothing happens.
func Prepare(p unsafe.Pointer, lines uint64) { prepare(p, lines) }
