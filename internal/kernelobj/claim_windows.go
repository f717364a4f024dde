package kernelobj

// Claim lets at most one of several waits succeed.
type Claim interface {
	// Take calls try, which takes something or reports that there is nothing. If
	// another wait of the claim has succeeded, Take fails instead.
	Take(try func() (ok bool, err error)) (ok bool, err error)
}
