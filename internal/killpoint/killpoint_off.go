//go:build !killpoints

package killpoint

// Here marks a point at which the kill matrix kills the process. Without the build
// tag it compiles to nothing.
func Here(name string) {}
