package ipcbench

import (
	"context"
	"path/filepath"
	"sync/atomic"
)

// end is one process's side of a row.
type end struct {
	mode Mode
	size int    // of the largest message
	dir  string // for files: the run's own, removed after it

	ctx     context.Context // ends when the other process has died, or the run
	stopped *atomic.Bool    // set then: for loops that spin

	handles []string             // of what the peer has inherited
	address string               // where the peer serves, if serve has said so
	ready   func(address string) // in serve: the other process may dial
}

// name returns a name for an object, which only this run uses.
func (e *end) name() string { return filepath.Base(e.dir) }

// backName is the name of the object for the way back.
func (e *end) backName() string { return backName(e.name()) }

func backName(name string) string { return name + ".back" }

// path returns a path for a file of the run.
func (e *end) path(name string) string { return filepath.Join(e.dir, name) }

// stop returns what ends a wait that spins: the cause of the end of ctx.
func (e *end) stop() error { return context.Cause(e.ctx) }

// lookEvery is every how many attempts a loop that spins looks whether it is to stop.
const lookEvery = 1 << 10
