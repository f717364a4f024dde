package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Segment is shared memory with a name: a [mmap.Mapping] and what finds it. All
// that package mmap can do with a Mapping it can do with seg.Mapping.
type Segment struct {
	*mmap.Mapping
	name    string
	created bool

	closing  sync.Once
	closeErr error
	handle   // what the system knows it by
}

const kind = "shm"

func failed(op, name string, err error) error {
	return &breezeway.Error{Op: op, Kind: kind, Name: name, Err: err}
}

// Create makes the segment name of size bytes, all zero. All of it is reserved
// now: if there is not enough shared memory the error says how much there is
// (ENOSPC on Linux).
//
// It fails with [os.ErrExist] if the name is taken, with [os.ErrInvalid] for a
// size below 1 and for a name that is none or that begins with sem. or bw., and
// with [os.ErrPermission] where this user may not create. On Windows, where all
// named objects share one namespace, a name that a semaphore or the like has
// fails with [breezeway.ErrMismatch].
func Create(name string, size int64, cfg *Config) (*Segment, error) {
	return createFilled("create", name, size, cfg, nil)
}

// createFilled is Create of a segment in which fill has written before anybody
// can open it, or on Windows before this process tells of it.
func createFilled(op, name string, size int64, cfg *Config, fill func(*mmap.Mapping) error) (*Segment, error) {
	s, err := cfg.creating(size)
	if err == nil {
		err = checkName(name)
	}
	if err != nil {
		return nil, failed(op, name, err)
	}
	s.fill = fill
	seg, err := create(name, size, &s)
	if err != nil {
		return nil, failed(op, name, explain(err, name))
	}
	return seg, nil
}

// Open opens the segment name, whoever made it and in whatever language. Its
// length is the segment's size; on Windows rounded up to whole pages, since the
// system doesn't tell more.
//
// It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if
// this user may not open it, or if it belongs to somebody whom the access rule
// doesn't admit, with [breezeway.ErrMismatch] for a symbolic link or whatever
// else is no segment, and with [os.ErrInvalid] for a bad name.
func Open(name string, cfg *Config) (*Segment, error) {
	s, err := cfg.settings()
	if err == nil {
		err = checkName(name)
	}
	if err != nil {
		return nil, failed("open", name, err)
	}
	seg, err := open(name, &s)
	if err != nil {
		return nil, failed("open", name, explain(err, name))
	}
	return seg, nil
}

// OpenOrCreate opens the segment name or, if there is none, makes it. One that
// exists with another size fails with [breezeway.ErrMismatch]. Of several
// processes that do it at the same time one creates the segment and the others
// open it; [Segment.Created] tells which.
func OpenOrCreate(name string, size int64, cfg *Config) (*Segment, error) {
	s, err := cfg.creating(size)
	if err == nil {
		err = checkName(name)
	}
	if err != nil {
		return nil, failed("open or create", name, err)
	}
	seg, err := openOrCreate(name, size, &s)
	if err == nil && int64(seg.Len()) != roundSize(size) && !seg.created {
		err = fmt.Errorf("it exists with %d bytes, not %d; open it with shm.Open, or remove it first (%w)", seg.Len(), size, breezeway.ErrMismatch)
		seg.Close()
	}
	if err != nil {
		return nil, failed("open or create", name, explain(err, name))
	}
	return seg, nil
}

// Remove removes the segment name. Processes that have opened it keep it, and its
// memory is freed when the last of them has closed it; meanwhile a new one of the
// same name can be made. It fails with [os.ErrNotExist] if there is none, with
// [os.ErrPermission] if it is somebody else's, and with [breezeway.ErrMismatch]
// if what has the name is no segment.
//
// On Windows a segment goes with its last handle; Remove fails with
// [errors.ErrUnsupported].
func Remove(name string) error {
	err := checkName(name)
	if err == nil {
		err = explain(remove(name), name)
	}
	if err != nil {
		return failed("remove", name, err)
	}
	return nil
}

// Info describes a segment that exists.
type Info struct {
	Name     string
	Size     int64 // in bytes
	Mode     fs.FileMode
	UID      int       // whose it is
	Modified time.Time // when it was created, resized, or written by a system call; not by way of memory
}

// List returns the segments that exist on this machine, by name, whoever made
// them. What has a name that [Open] would refuse is left out. Windows can't tell:
// List fails with [errors.ErrUnsupported] there.
func List() ([]Info, error) {
	infos, err := list()
	if err != nil {
		return nil, failed("list", "", err)
	}
	return infos, nil
}

// Name returns the segment's name, "" if it has none.
func (s *Segment) Name() string { return s.name }

// Created reports whether the call that returned s made the segment.
func (s *Segment) Created() bool { return s.created }

// File returns the descriptor of the segment, to be passed to another process, or
// nil on Windows. It belongs to s, whose Close closes it.
func (s *Segment) File() *os.File { return s.file() }

// Resize changes the segment's size and returns it at the new size; s is closed,
// which waits for its Borrows. What is added is zero and reserved. Other
// processes keep what they have mapped: they see the new size when they open the
// segment again, and what was cut off is gone for them ([io.ErrUnexpectedEOF]).
// If Resize fails s goes on.
//
// Sealed segments, and all on Windows, can't be resized: [errors.ErrUnsupported].
func (s *Segment) Resize(size int64) (*Segment, error) {
	err := checkSize(size)
	if err == nil && s.ReadOnly() {
		err = fmt.Errorf("the segment was opened with Config.ReadOnly (%w)", os.ErrPermission)
	}
	var bigger *Segment
	if err == nil {
		bigger, err = s.resize(size)
	}
	if err != nil {
		return nil, failed("resize", s.name, err)
	}
	return bigger, nil
}

// Close ends this process's use of the segment; see [mmap.Mapping.Close]. On
// Linux a named segment stays, with what was written to it, until [Remove]. On
// Windows it goes with the last Close.
func (s *Segment) Close() error {
	s.closing.Do(func() { s.closeErr = errors.Join(s.Mapping.Close(), s.release()) })
	return s.closeErr
}

// explain adds what to do about the errors that everybody meets.
func explain(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such segment; create it with shm.Create or `ipc create shm://%s --size BYTES` (%w)", name, err)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("the segment exists; open it with shm.Open, or remove it with shm.Remove or `ipc rm shm://%s` (%w)", name, err)
	}
	return err
}
