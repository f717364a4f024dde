package bench

// Contender is one side of a comparison. Its connection is made and its peer
// runs before [Compare] is called, and both stay until it has returned.
type Contender struct {
	Name string

	// Run performs n operations against the peer and returns when the last of
	// them is complete. It is called from one goroutine, many times.
	Run func(n int) error

	// Begin and End, if not nil, are called before and after each window, and are not
	// timed: for a peer that has to be told what comes.
	Begin, End func() error

	// Bytes is the payload of one operation; what an echo carries back is not
	// counted again.
	Bytes int

	// Stream says that operations overlap: Run returns when the peer has
	// confirmed all n. A window is then one call of Run, and single operations
	// have no latency.
	Stream bool

	// PeerPID is the process at the other end, whose CPU time is counted; 0 if
	// there is none.
	PeerPID int
}
