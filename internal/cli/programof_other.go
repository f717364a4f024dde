//go:build !linux

package cli

func programOfProcess(int) string { return "pid" }
