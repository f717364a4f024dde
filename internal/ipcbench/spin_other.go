//go:build !unix

package ipcbench

import (
	"errors"
	"io"
)

// noSpin says why a stream can't spin here.
const noSpin = "parks only: the runtime can't look at a connection without waiting on this system"

func spinReader(*end, io.Reader) io.Reader { return failingReader{} }

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }
