package wait

// Phase tells what an attempt of a [Word]'s waiter is for.
type Phase int

const (
	// Glance tries without announcing the waiter: it is not about to park.
	Glance Phase = iota
	// Park is the attempt before parking. First announce the waiter in shared
	// memory, by an atomic read-modify-write, then try: a process that makes a
	// change after the attempt must see the announcement.
	Park
	// Check is Park that checks also what no wake-up announces: owner death,
	// removal. It comes before the waiter parks for the first time, and then as
	// the package's overview says.
	Check
)
