//go:build race

package main

// The race detector needs more memory than a tab may take.
func init() { tabMemory = 0 }
