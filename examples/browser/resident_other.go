//go:build unix && !linux

package main

// residentMemory returns 0: there is no portable way to ask.
func residentMemory() (int64, error) { return 0, nil }
