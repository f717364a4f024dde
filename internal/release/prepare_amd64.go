package release

import "unsafe"

// prepare is [Prepare] of at least one line.
//
//go:noescape
func prepare(p unsafe.Pointer, lines uint64)
