//go:build killpoints

package killpoint

import (
	"os"
	"sync/atomic"
)

// Env is the environment variable that names the point at which a process is
// killed.
const Env = "BREEZEWAY_KILLPOINT"

var armed = os.Getenv(Env)

// At makes this process die at the point name from now on.
func At(name string) { armed = name }

type stall struct {
	name string
	f    func()
}

var stalled atomic.Pointer[stall]

// Stall has the next goroutine that comes to the point name call f there: a test learns
// that it is there, and decides when it goes on.
func Stall(name string, f func()) { stalled.Store(&stall{name, f}) }

// Here kills this process, as kill -9 does, if its point was chosen.
func Here(name string) {
	if s := stalled.Load(); s != nil && s.name == name && stalled.CompareAndSwap(s, nil) {
		s.f()
	}
	if name != armed {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // until the signal arrives
}
