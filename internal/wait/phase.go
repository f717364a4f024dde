package wait

// Phase tells what a look at a [Word] is for.
type Phase int

const (
	// Glance looks without being announced: the waiter is not going to sleep yet.
	Glance Phase = iota
	// Park is the look before falling asleep. First announce in shared memory
	// that somebody is parked, by an atomic read-modify-write, then look: whoever
	// makes a change after the look must see the announcement.
	Park
	// Check is Park that looks also after what nobody is woken for: whether the
	// owner still lives, whether the object is still there. It comes before the
	// first sleep, and then as the package's overview says.
	Check
)
