package bench

import "time"

const (
	// MinPairs is how many pairs of windows a comparison has at least.
	MinPairs = 25
	// MaxWindow is how long a window may be. The machine's speed drifts: longer
	// windows of a pair would not meet the same machine.
	MaxWindow = 20 * time.Millisecond
)

// Config adjusts [Compare]. nil and the zero value mean the defaults.
type Config struct {
	// Pairs is the number of pairs; fewer than MinPairs means MinPairs.
	Pairs int

	// Brief takes fewer Pairs, too: for a look whether a comparison works, without figures
	// that mean anything.
	Brief bool

	// Window bounds the length of a window; 0, and more than MaxWindow, means
	// MaxWindow. Windows aim at half of it. A longer one is cut short after the
	// operation that is under way; that of a stream goes on to its end, and the
	// following ones are made shorter.
	Window time.Duration

	// More, if not nil, is asked before each pair whether to go on beyond Pairs,
	// until it returns false: testing.B's Loop fits.
	More func() bool

	// Limit, if not nil, is measured before and after each pair. A pair counts only if
	// both agree and neither was disturbed: then the machine has not changed meanwhile.
	// Of Pairs, at most three times as many are run; if not even one counts, all do.
	Limit *Contender

	clock func() time.Duration // the tests' own
}
