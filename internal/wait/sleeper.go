package wait

import "time"

// sleeper is a place where one goroutine sleeps, with a bell. It is never given
// up: this package keeps a few for as long as the process lives.
type sleeper interface {
	// sleep returns when it was rung for, now or since the last sleep; when one
	// of the words is not as its arm has it or a wake-up reached it; after limit;
	// or for no reason. It sets woken in an arm on which a wake-up was spent, in
	// at least one if there were several: the words of the others have changed
	// then.
	sleep(arms []*arm, limit time.Duration) error
	// ring may be called by any goroutine.
	ring()
	// room is on how many words it can sleep; ask before the first sleep.
	room() int
}
