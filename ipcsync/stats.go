package ipcsync

// Stats is the state of an object a moment ago. A number that is not known, or that
// the kind doesn't have, is -1 or 0.
type Stats struct {
	// Value is how many permits a semaphore has left. It is 1 for a set event, a
	// lock that is free, a leadership without a leader, and a barrier that is not
	// broken. Otherwise it is 0, also for a lock whose holder died and that no
	// process has taken since.
	Value int `json:"value"`
	// Max is how many permits a semaphore can have, and how many parties a
	// barrier has; otherwise -1.
	Max int `json:"max"`
	// Holders is how many permits of a tracked semaphore are held, or how many
	// living readers and writers hold a lock; -1 for a semaphore that is not
	// tracked.
	Holders int `json:"holders"`
	// PIDs are the processes that hold it, as far as they are known. They are for
	// information only: a number may be another process's by now.
	PIDs []int `json:"pids,omitempty"`
	// Waiters is how many goroutines wait, or -1. A semaphore in glibc's layout
	// counts those that sleep, at most one of each process of ours.
	Waiters int `json:"waiters"`
	// Recoveries is how often something was taken back from a process that died
	// holding it.
	Recoveries int64 `json:"recoveries"`
	// Recovered says that the next holder of the lock is Recovered: a holder died,
	// and no later one has marked the lock as consistent.
	Recovered bool `json:"recovered,omitempty"`
}
