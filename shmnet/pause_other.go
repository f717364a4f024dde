//go:build !amd64

package shmnet

// pause does nothing here.
func pause() {}
