package mmap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// BinaryWriter writes values as .NET's System.IO.BinaryWriter does, for a C#
// program on the other side: numbers little-endian in their own size, a bool as
// one byte, a string as its length in UTF-8 bytes, seven bits at a time, and
// then those bytes.
type BinaryWriter struct{ w io.Writer }

// NewBinaryWriter returns a BinaryWriter to w, such as a [Stream].
func NewBinaryWriter(w io.Writer) *BinaryWriter { return &BinaryWriter{w} }

// Write writes the values one after the other. Each is a bool, a sized integer,
// a float, a string, or a []byte, which is written as it is, without a length.
// int and uint have no counterpart in .NET: convert them to what the other side
// reads. Each value reaches the writer below in one Write.
func (w *BinaryWriter) Write(values ...any) error {
	for _, v := range values {
		b, err := appendBinary(nil, v)
		if err != nil {
			return err
		}
		if _, err := w.w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func appendBinary(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case string:
		if len(v) > math.MaxInt32 {
			return nil, binaryError("encode", "a string of %d bytes is more than .NET reads (%w)", len(v), breezeway.ErrTooLarge)
		}
		return append(binary.AppendUvarint(b, uint64(len(v))), v...), nil
	case bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64:
		return binary.Append(b, binary.LittleEndian, v)
	}
	return nil, binaryError("encode", "BinaryWriter can't write a %T; give a bool, sized integer, float, string or []byte (%w)", v, os.ErrInvalid)
}

// BinaryReader reads what System.IO.BinaryWriter or [BinaryWriter] wrote.
type BinaryReader struct{ r io.Reader }

// NewBinaryReader returns a BinaryReader from r, such as a [Stream]. It reads no
// further than it must.
func NewBinaryReader(r io.Reader) *BinaryReader { return &BinaryReader{r} }

// Read reads one value for each pointer: to a bool, a sized integer, a float or
// a string; a []byte is filled. If the data ends within a value the error is
// [io.ErrUnexpectedEOF], and if it ends before the first byte of one, [io.EOF].
// A string's length that .NET would not have written is
// [breezeway.ErrMismatch]. Memory grows with what arrives, not with what a
// length announces.
func (r *BinaryReader) Read(pointers ...any) error {
	for _, p := range pointers {
		if err := r.read(p); err != nil {
			return err
		}
	}
	return nil
}

func (r *BinaryReader) read(p any) error {
	switch p := p.(type) {
	case []byte:
		_, err := io.ReadFull(r.r, p)
		return err
	case *string:
		s, err := r.readString()
		if err == nil {
			*p = s
		}
		return err
	case *bool, *int8, *uint8, *int16, *uint16, *int32, *uint32, *int64, *uint64, *float32, *float64:
		return binary.Read(r.r, binary.LittleEndian, p)
	}
	return binaryError("decode", "BinaryReader can't read into a %T; give a pointer to a bool, sized integer, float or string, or a []byte (%w)", p, os.ErrInvalid)
}

func (r *BinaryReader) readString() (string, error) {
	n, err := r.readLength()
	if err != nil {
		return "", err
	}
	const step = 64 << 10
	var b []byte
	for len(b) < n {
		have := len(b)
		b = append(b, make([]byte, min(n-have, max(step, have)))...)
		if _, err := io.ReadFull(r.r, b[have:]); err != nil {
			return "", unexpected(err)
		}
	}
	return string(b), nil
}

// readLength reads a non-negative 32-bit number, seven bits in a byte, the
// lowest first; the eighth bit says that more follow.
func (r *BinaryReader) readLength() (int, error) {
	var n uint64
	var b [1]byte
	for shift := 0; shift < 35; shift += 7 {
		if _, err := io.ReadFull(r.r, b[:]); err != nil {
			if shift > 0 {
				err = unexpected(err)
			}
			return 0, err
		}
		n |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			if n > math.MaxInt32 {
				break
			}
			return int(n), nil
		}
	}
	return 0, binaryError("decode", "the length of a string is no number that .NET writes; is this where a string begins? (%w)", breezeway.ErrMismatch)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func binaryError(op, format string, args ...any) error {
	return &breezeway.Error{Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}
