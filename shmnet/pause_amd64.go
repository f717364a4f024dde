package shmnet

// pause tells the processor that it is spinning, so that a thread that shares a core with
// this one has more of it. It takes 4 to 50 ns.
//
//go:noescape
func pause()
