package wait

import "time"

// parker blocks one goroutine at a time until one of its entries is woken. It is
// never freed: this package keeps a few for as long as the process lives.
type parker interface {
	// park returns when unpark was called, now or since the last park; when one
	// of the words no longer has its entry's old value or was woken; after limit;
	// or for no reason. It sets woken in an entry on which a wake-up was spent. If
	// wake-ups were spent on several entries it sets woken in at least one; the
	// words of the others have changed then.
	park(entries []*waitEntry, limit time.Duration) error
	// unpark makes park return, the current call or else the next. Any goroutine
	// may call it.
	unpark()
	// capacity is how many entries park takes. It is called before the first park.
	capacity() int
}
