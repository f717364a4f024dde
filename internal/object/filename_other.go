//go:build !linux

package object

// foldsNames says that different names may be the same file.
const foldsNames = true
