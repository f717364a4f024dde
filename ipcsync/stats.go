package ipcsync

// Stats is what an object tells of itself, at one moment that has passed already
// when it is read. What an object can't tell is -1.
type Stats struct {
	// Value is how many permits a semaphore has left, 1 for a set event, for a
	// lock that is free and for a barrier that is not broken, otherwise 0.
	Value int `json:"value"`
	// Max is how many permits a semaphore can have, and how many parties a
	// barrier has.
	Max int `json:"max"`
	// Holders is how many permits of a tracked semaphore are held, or how many
	// readers and writers hold a lock.
	Holders int `json:"holders"`
	// PIDs are the processes that hold it, as far as they are known. For
	// information only: a number may be another process's by now.
	PIDs []int `json:"pids,omitempty"`
	// Waiters is how many wait. For a semaphore in glibc's layout it counts those
	// that sleep, at most one of each of our processes.
	Waiters int `json:"waiters"`
	// Recoveries is how often something was taken back from a process that died
	// holding it.
	Recoveries int64 `json:"recoveries"`
	// Recovered says that a holder of the lock died and no later one has marked
	// it as consistent.
	Recovered bool `json:"recovered,omitempty"`
}
