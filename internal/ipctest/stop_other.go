//go:build !linux

package ipctest

import "testing"

func stopProcess(t testing.TB, _ *Process) {
	t.Helper()
	t.Skip("this system can't stop a process and tell when it has stopped")
}

func continueProcess(testing.TB, *Process) {}
