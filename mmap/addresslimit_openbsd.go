package mmap

// addressLimit returns false: the system has no such limit.
func addressLimit() (limit uint64, ok bool) { return 0, false }
