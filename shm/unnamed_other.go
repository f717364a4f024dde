//go:build !linux

package shm

import (
	"errors"
	"fmt"
	"os"
)

var errNoMemfd = fmt.Errorf("unnamed segments are for Linux; use a name that is hard to guess (%w)", errors.ErrUnsupported)

func createUnnamed(int64, *settings) (*Segment, error)      { return nil, errNoMemfd }
func openFile(*os.File, int64, *settings) (*Segment, error) { return nil, errNoMemfd }
