//go:build !linux && !windows

package worker

import "os"

// openedImage is the executable's path and what was there when Main was called.
type openedImage struct {
	file string
	was  string
	err  error
}

func openImage() (i openedImage) {
	if i.file, i.err = os.Executable(); i.err != nil {
		return i
	}
	info, err := os.Stat(i.file)
	if err != nil {
		i.err = err
		return i
	}
	i.was = fileIdentity(info)
	return i
}

func (i openedImage) path() (string, error) { return i.file, i.err }
func (i openedImage) identity() string      { return i.was }
