package shm

import "github.com/breezeway-ipc/breezeway/mmap"

// The methods of Mapping are repeated here, since those that Go promotes by itself
// panic on a nil Segment.

func (s *Segment) mapping() *mmap.Mapping {
	if s == nil {
		return nil
	}
	return s.Mapping
}

// Advise is [mmap.Mapping.Advise].
func (s *Segment) Advise(off, n int, a mmap.Advice) error { return s.mapping().Advise(off, n, a) }

// Borrow is [mmap.Mapping.Borrow].
func (s *Segment) Borrow(f func(b []byte) error) error { return s.mapping().Borrow(f) }

// Bytes is [mmap.Mapping.Bytes].
func (s *Segment) Bytes() []byte { return s.mapping().Bytes() }

// Fixed is [mmap.Mapping.Fixed].
func (s *Segment) Fixed() bool { return s.mapping().Fixed() }

// Flush is [mmap.Mapping.Flush].
func (s *Segment) Flush(off, n int) error { return s.mapping().Flush(off, n) }

// Len is [mmap.Mapping.Len].
func (s *Segment) Len() int { return s.mapping().Len() }

// Lock is [mmap.Mapping.Lock].
func (s *Segment) Lock() error { return s.mapping().Lock() }

// Offset is [mmap.Mapping.Offset]: 0.
func (s *Segment) Offset() int64 { return s.mapping().Offset() }

// ReadAt is [mmap.Mapping.ReadAt].
func (s *Segment) ReadAt(p []byte, off int64) (n int, err error) { return s.mapping().ReadAt(p, off) }

// ReadOnly is [mmap.Mapping.ReadOnly].
func (s *Segment) ReadOnly() bool { return s.mapping().ReadOnly() }

// Unlock is [mmap.Mapping.Unlock].
func (s *Segment) Unlock() error { return s.mapping().Unlock() }

// WriteAt is [mmap.Mapping.WriteAt].
func (s *Segment) WriteAt(p []byte, off int64) (n int, err error) { return s.mapping().WriteAt(p, off) }
