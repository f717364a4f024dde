package mmap

import (
	"fmt"
	"io"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// Stream reads and writes a mapping from one end to the other, like a file whose
// size is fixed. It implements [io.ReadWriteSeeker], [io.ReaderAt] and
// [io.WriterAt]. One Stream is for one goroutine, except for ReadAt and WriteAt;
// any number of Streams may be on one mapping, which they don't close.
//
// Its errors are those of [Mapping.ReadAt] and [Mapping.WriteAt]. On a nil or zero
// Stream they are [os.ErrInvalid].
type Stream struct {
	m   *Mapping
	pos int64
}

// NewStream returns a Stream at the beginning of m. For a part of m use
// [io.NewSectionReader] and [io.NewOffsetWriter] with m itself.
func NewStream(m *Mapping) *Stream { return &Stream{m: m} }

// mapping returns what s is on, nil if that is nothing.
func (s *Stream) mapping() *Mapping {
	if s == nil {
		return nil
	}
	return s.m
}

// Read reads up to len(p) bytes, and ends with [io.EOF] at the mapping's end.
func (s *Stream) Read(p []byte) (int, error) {
	if s == nil {
		return 0, s.mapping().fail(breezeway.OpRead, errZero)
	}
	if len(p) == 0 && !s.m.isZero() {
		return 0, nil
	}
	n, err := s.m.ReadAt(p, s.pos)
	s.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// Write writes p. If p reaches beyond the mapping's end, the rest is not written
// and the error is [breezeway.ErrTooLarge].
func (s *Stream) Write(p []byte) (int, error) {
	if s == nil {
		return 0, s.mapping().fail(breezeway.OpWrite, errZero)
	}
	n, err := s.m.WriteAt(p, s.pos)
	s.pos += int64(n)
	return n, err
}

// ReadAt is [Mapping.ReadAt].
func (s *Stream) ReadAt(p []byte, off int64) (int, error) { return s.mapping().ReadAt(p, off) }

// WriteAt is [Mapping.WriteAt].
func (s *Stream) WriteAt(p []byte, off int64) (int, error) { return s.mapping().WriteAt(p, off) }

// Seek sets where the next Read or Write begins. A position beyond the end is
// allowed; what is read there is [io.EOF].
func (s *Stream) Seek(offset int64, whence int) (int64, error) {
	if s.mapping().isZero() {
		return 0, s.mapping().fail(breezeway.OpSeek, errZero)
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += s.pos
	case io.SeekEnd:
		offset += int64(s.m.Len())
	default:
		return 0, s.m.fail(breezeway.OpSeek, fmt.Errorf("whence %d is none of io.SeekStart, io.SeekCurrent, io.SeekEnd (%w)", whence, os.ErrInvalid))
	}
	if offset < 0 {
		return 0, s.m.fail(breezeway.OpSeek, fmt.Errorf("position %d is before the beginning (%w)", offset, os.ErrInvalid))
	}
	s.pos = offset
	return offset, nil
}
