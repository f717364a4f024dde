package sys

// Range is the part of a file that a [RangeLock] locks, and the kind of lock.
type Range struct {
	Offset    int64
	Length    int64 // 0 is all from Offset on, however long the file becomes
	Exclusive bool  // otherwise shared
	Flock     bool  // the lock of flock(2), on systems that have two kinds
}
