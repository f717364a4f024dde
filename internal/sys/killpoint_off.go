//go:build !killpoints

package sys

// KillPoint marks an instant at which a process may be killed. Built with the
// tag killpoints it kills the process there if the test asks for it.
func KillPoint(name string) {}
