//go:build !race

package robust

// Order is for the race detector.
type Order struct{}

// Released is called before something is given up.
func (*Order) Released() {}

// Acquired is called after something was taken.
func (*Order) Acquired() {}
