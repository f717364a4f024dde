package dotnet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

const kind = "dotnet" // in errors

// BinaryWriter writes values as .NET's System.IO.BinaryWriter does: numbers
// little-endian in their own size, a bool as one byte, a string as its length in
// UTF-8 bytes, seven bits at a time, followed by these bytes. It is for one
// goroutine at a time.
type BinaryWriter struct{ w io.Writer }

// NewBinaryWriter returns a BinaryWriter to w, such as an mmap.Stream.
func NewBinaryWriter(w io.Writer) *BinaryWriter { return &BinaryWriter{w} }

// Write writes the values one after the other. Each is a bool, a sized integer,
// a float, a string, or a []byte, which is written as it is, without a length.
// int and uint have no counterpart in .NET: convert them to what the other side
// reads. Each value reaches the writer below in one Write, whose error is returned
// as it is. A value of another type, and a string that is not UTF-8, fail with
// [os.ErrInvalid], and a string that is longer than .NET reads with
// [breezeway.ErrTooLarge].
func (w *BinaryWriter) Write(values ...any) error {
	if w == nil || w.w == nil {
		return fail.With(breezeway.OpWrite, kind, "", fmt.Errorf("there is no writer below; make it with dotnet.NewBinaryWriter (%w)", os.ErrInvalid))
	}
	for _, v := range values {
		b, err := appendBinary(nil, v)
		if err != nil {
			return fail.With(breezeway.OpWrite, kind, "", err)
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
			return nil, fmt.Errorf("a string of %d bytes is more than .NET reads (%w)", len(v), breezeway.ErrTooLarge)
		}
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("a string that is not UTF-8 would come out as another one in .NET; give a []byte (%w)", os.ErrInvalid)
		}
		return append(binary.AppendUvarint(b, uint64(len(v))), v...), nil
	case bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64:
		return binary.Append(b, binary.LittleEndian, v)
	}
	return nil, fmt.Errorf("BinaryWriter can't write a %T; give a bool, sized integer, float, string or []byte (%w)", v, os.ErrInvalid)
}
