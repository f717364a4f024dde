//go:build !windows

package ipctest

import "testing"

// ownerEnv states nothing: what is created has an owner.
func ownerEnv(testing.TB) []string { return nil }

// OwnPipe does nothing either.
func OwnPipe(t testing.TB, name, direction string, message bool) (release func()) {
	return func() {}
}
