package dotnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// BinaryReader reads values that System.IO.BinaryWriter or [BinaryWriter] wrote.
// It is for one goroutine at a time.
type BinaryReader struct{ r io.Reader }

// NewBinaryReader returns a BinaryReader from r, such as an mmap.Stream. It reads
// no further than it must.
func NewBinaryReader(r io.Reader) *BinaryReader { return &BinaryReader{r} }

// Read reads one value for each pointer: to a bool, a sized integer, a float or
// a string; a []byte is filled. If the data ends within a value the error is
// [io.ErrUnexpectedEOF], and if it ends before the first byte of one, [io.EOF].
// A string's length that .NET would not have written, and text that is not UTF-8,
// are [breezeway.ErrMismatch], and a pointer of another type or that is nil is
// [os.ErrInvalid]. Memory grows with what arrives, not with what a length
// announces.
func (r *BinaryReader) Read(pointers ...any) error {
	if r == nil || r.r == nil {
		return fail.With(breezeway.OpRead, kind, "", fmt.Errorf("there is no reader below; make it with dotnet.NewBinaryReader (%w)", os.ErrInvalid))
	}
	for _, p := range pointers {
		if err := r.read(p); err != nil {
			return err
		}
	}
	return nil
}

func (r *BinaryReader) read(p any) error {
	if v := reflect.ValueOf(p); v.Kind() == reflect.Pointer && v.IsNil() {
		return fail.With(breezeway.OpRead, kind, "", fmt.Errorf("the %T is nil; give a pointer to a variable (%w)", p, os.ErrInvalid))
	}
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
	return fail.With(breezeway.OpRead, kind, "",
		fmt.Errorf("BinaryReader can't read into a %T; give a pointer to a bool, sized integer, float or string, or a []byte (%w)", p, os.ErrInvalid))
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
	if !utf8.Valid(b) {
		return "", fail.With(breezeway.OpRead, kind, "",
			fmt.Errorf("a string of %d bytes is not UTF-8; was it written with another Encoding? (%w)", n, breezeway.ErrMismatch))
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
	return 0, fail.With(breezeway.OpRead, kind, "",
		fmt.Errorf("the length of a string is no number that .NET writes; is this where a string begins? (%w)", breezeway.ErrMismatch))
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
