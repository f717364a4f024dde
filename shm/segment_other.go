//go:build unix && !linux

package shm

import (
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/object"
)

type handle struct{}

func (handle) file() *os.File { return nil }
func (handle) release() error { return nil }

func roundSize(size int64) int64 { return size }

// errNoSegments: shm_open here is a call of the C library, and its objects can
// be neither listed nor resized.
var errNoSegments = fmt.Errorf("named segments are for Linux and Windows; map a file with package mmap (%w)", errors.ErrUnsupported)

func create(string, int64, *settings) (*Segment, error)       { return nil, errNoSegments }
func open(string, *settings) (*Segment, error)                { return nil, errNoSegments }
func openOrCreate(string, int64, *settings) (*Segment, error) { return nil, errNoSegments }
func removeSegment(string) error                              { return errNoSegments }
func listSegments(*settings) ([]object.Info, error)           { return nil, errNoSegments }
func statSegment(string, *settings) (object.Info, error)      { return object.Info{}, errNoSegments }
func (s *Segment) resize(int64) (*Segment, error)             { return nil, errNoSegments }
