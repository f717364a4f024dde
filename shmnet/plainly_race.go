//go:build race

package shmnet

// plainly is false: the race detector doesn't understand it.
const plainly = false
