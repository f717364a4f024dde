package shm

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Segment is shared memory with a name: a [mmap.Mapping] and what finds it. The
// functions of package mmap take seg.Mapping. On a nil or zero Segment methods fail
// with [os.ErrInvalid].
type Segment struct {
	*mmap.Mapping
	name    string
	created bool

	mu       sync.Mutex // held by Close and Resize: one of them ends s
	closed   bool
	closeErr error
	handle   // what the system knows it by
}

// Create makes the segment name of size bytes, all zero unless [Config.Fill] writes
// something. All of it is reserved now: if there is not enough shared memory the
// error says how much there is (ENOSPC on Linux).
//
// It fails with [os.ErrExist] if the name is taken, with [os.ErrInvalid] for a
// size below 1 and for a name that is none or that begins with sem. or bw., and
// with [os.ErrPermission] where this user may not create. On Windows, where all
// named objects share one namespace, a name that a semaphore or the like has
// fails with [breezeway.ErrMismatch].
func Create(name string, size int64, cfg *Config) (*Segment, error) {
	s, err := cfg.creating(size)
	if err == nil {
		err = checkName(name)
	}
	var seg *Segment
	if err == nil {
		seg, err = create(name, size, &s)
	}
	if err != nil {
		return nil, KindSegment.fail(breezeway.OpCreate, name, err)
	}
	return seg, nil
}

// Open opens the segment name, whatever program made it, in whatever language. Its
// length is the segment's size; on Windows rounded up to whole pages, since the
// system doesn't tell more.
//
// It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if
// this user may not open it, or if it belongs to a user that is not trusted (see
// [Config.Trust]), with [breezeway.ErrMismatch] for a symbolic link or anything else
// that is no segment, and with [os.ErrInvalid] for a bad name.
func Open(name string, cfg *Config) (*Segment, error) {
	s, err := cfg.opening()
	if err == nil {
		err = checkName(name)
	}
	var seg *Segment
	if err == nil {
		seg, err = open(name, &s)
	}
	if err != nil {
		return nil, KindSegment.fail(breezeway.OpOpen, name, err)
	}
	return seg, nil
}

// OpenOrCreate opens the segment name or, if there is none, makes it. One that
// exists with another size fails with [breezeway.ErrMismatch]. If several processes
// do it at the same time, one creates the segment and the others open it;
// [Segment.Created] tells which. It fails further as [Open] and [Create] do.
func OpenOrCreate(name string, size int64, cfg *Config) (*Segment, error) {
	s, err := cfg.creating(size)
	if err == nil {
		err = checkName(name)
	}
	var seg *Segment
	if err == nil {
		seg, err = openOrCreate(name, size, &s)
	}
	if err == nil && !seg.created && int64(seg.Len()) != roundSize(size) {
		err = fmt.Errorf("it exists with %d bytes, not %d; open it with shm.Open, or remove it first (%w)", seg.Len(), size, breezeway.ErrMismatch)
		seg.Close()
	}
	if err != nil {
		return nil, KindSegment.fail(breezeway.OpOpenOrCreate, name, err)
	}
	return seg, nil
}

func (s *Segment) isZero() bool { return s == nil || s.Mapping == nil }

var errNoSegment = fmt.Errorf("there is no segment; make it with shm.Create or shm.Open (%w)", os.ErrInvalid)

// Name returns the segment's name, "" if it has none.
func (s *Segment) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// Created reports whether the call that returned s made the segment.
func (s *Segment) Created() bool { return s != nil && s.created }

// File returns the descriptor of the segment, to be passed to another process, or
// nil on Windows. It belongs to s, whose Close closes it.
func (s *Segment) File() *os.File {
	if s == nil {
		return nil
	}
	return s.file()
}

// Resize changes the segment's size and returns it at the new size; s is closed,
// which waits for its Borrows. What is added is zero and reserved. Other
// processes keep what they have mapped: they see the new size when they open the
// segment again, and what was cut off is gone for them ([io.ErrUnexpectedEOF]).
// If Resize fails, s stays open and the segment as large as it was. Of several calls on
// s at the same time, Close included, the first takes effect, and the others wait for it.
//
// Sealed segments, and all segments on Windows, can't be resized:
// [errors.ErrUnsupported].
func (s *Segment) Resize(size int64) (*Segment, error) {
	if s.isZero() {
		return nil, KindSegment.fail(breezeway.OpResize, "", errNoSegment)
	}
	err := checkSize(size)
	if err == nil && s.ReadOnly() {
		err = fmt.Errorf("the segment was opened with %s (%w)", fail.Go("Config.ReadOnly"), os.ErrPermission)
	}
	var resized *Segment
	if err == nil {
		resized, err = s.resize(size)
	}
	if err != nil {
		return nil, KindSegment.fail(breezeway.OpResize, s.name, err)
	}
	return resized, nil
}

// Close ends this process's use of the segment; see [mmap.Mapping.Close]. On
// Linux a named segment stays, with what was written to it, until [Remove]. On
// Windows it goes with the last Close.
func (s *Segment) Close() error {
	if s.isZero() {
		return KindSegment.fail(breezeway.OpClose, "", errNoSegment)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.closeErr = errors.Join(s.Mapping.Close(), s.release())
	}
	return s.closeErr
}
