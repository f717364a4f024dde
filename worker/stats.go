package worker

import (
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Stats counts what a pool has done so far.
type Stats struct {
	Calls    int64 // that were answered, by a result or an error of the function, those of keys too; a batch is one
	Crashes  int64 // workers that died, those of keys too
	Replaced int64 // workers that were ended because of MaxCalls or MaxMemory
	Started  int64 // workers that were started in the place of others, not those of keys
	Waiting  int   // calls that wait for a worker now, not those that wait for the turn of a key
	Idle     int   // workers that have nothing to do now, not those of keys
}

// Stats returns what pool has done so far. It may be called after Close.
func (pool *Pool) Stats() Stats {
	if !pool.valid() {
		return Stats{}
	}
	pool.mu.Lock()
	defer pool.mu.Unlock()
	return Stats{
		Calls: pool.stats.calls, Crashes: pool.stats.crashes, Replaced: pool.stats.replaced, Started: pool.stats.started,
		Waiting: len(pool.waiting), Idle: len(pool.idle),
	}
}

// State is what a worker process does.
type State int

const (
	Idle    State = iota // waits for a call
	Running              // runs a function
)

func (s State) String() string {
	if s == Running {
		return "running"
	}
	return "idle"
}

// ProcessInfo describes a worker process.
type ProcessInfo struct {
	PID    int
	Parent int
	Key    string // the name of the [Key] that it belongs to, or ""
	State  State
	Func   string        // the function that runs, or ""
	Calls  int           // that it was given
	Since  time.Time     // when it was started
	CPU    time.Duration // that it has used; 0 where the system doesn't tell
	Memory int64         // bytes that are resident; 0 where the system doesn't tell
}

// Processes returns the workers of pool, those of its keys too, in the order of their
// process ids. What ends meanwhile may be missing.
func (pool *Pool) Processes() (all []ProcessInfo) {
	if !pool.valid() {
		return nil
	}
	for _, p := range pool.processes() {
		info := ProcessInfo{PID: p.pid, Parent: os.Getpid(), Since: p.since}
		if p.key != nil {
			info.Key = p.key.name
		}
		pool.mu.Lock()
		info.Calls = p.calls
		if f := p.function.Load(); p.running && f != nil {
			info.State, info.Func = Running, *f
		}
		pool.mu.Unlock()
		info.CPU, _ = sys.CPUTime(p.pid)
		info.Memory, _ = residentMemory(p.pid)
		all = append(all, info)
	}
	return all
}
