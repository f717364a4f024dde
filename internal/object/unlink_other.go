//go:build !linux

package object

import "os"

func unlink(f *os.File) (bool, error) {
	err := Remove(f.Name())
	return err == nil, err
}
