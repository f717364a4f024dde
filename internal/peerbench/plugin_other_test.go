//go:build !linux

package peerbench

func isPlugin() bool { return false }

func servePlugin() {}
