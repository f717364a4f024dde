//go:build !linux

package sys

import (
	"errors"
	"io/fs"
)

// FileLocks are the locks on a file.
type FileLocks struct {
	Exclusive, Shared int
	Waiting           int
	PIDs              []int
}

// ReadFileLocks fails: this system doesn't tell.
func ReadFileLocks(fs.FileInfo) (FileLocks, error) { return FileLocks{}, errors.ErrUnsupported }
