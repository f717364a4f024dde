package ipcsync

// Take implements kernelobj.Claim.
func (c *claim) Take(try func() (bool, error)) (bool, error) { return c.take(try) }

func (m kernelMutex) reset() error { return nil }
