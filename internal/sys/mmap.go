package sys

// Protection says what may be done with mapped memory.
type Protection int

const (
	ReadWrite   Protection = iota // writes reach the file
	ReadOnly                      // writing faults
	CopyOnWrite                   // writes stay in this process
)
