package sys

// Advice tells the system how memory will be used.
type Advice int

const (
	Normal Advice = iota
	Sequential
	Random
	WillNeed
	DontNeed
)
