// Package layout is about how our own shared objects look: the header that they
// begin with, and the description of a Go type by which two programs agree on
// what follows. docs/formats.md has it byte by byte.
package layout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/bits"

	"github.com/breezeway-ipc/breezeway"
)

// Header is what an object begins with.
type Header struct {
	Kind string // at most 8 ASCII letters

	// Version is the layout's. Programs that know an older one may use the
	// object too, if theirs is at least Reader, or Writer to write.
	Version, Reader, Writer uint16

	Type    string // what Describe says of the type in the object
	Payload int64  // bytes that follow the header
}

// The header's fixed part, little-endian:
//
//	 0  8  magic
//	 8  8  kind, padded with zeros
//	16  2  version
//	18  2  least version of a reader
//	20  2  least version of a writer
//	22  2  0
//	24  4  where the payload begins, a multiple of 64
//	28  4  length of the type's description
//	32  8  size of the payload
//	40  8  fingerprint: 64-bit FNV-1a of the description
//	48 16  0
//	64     the description, in UTF-8, then zeros up to the payload
const fixedSize = 64

// magic is no text, and text that was converted is not it.
var magic = [8]byte{0x89, 'B', 'W', 'O', '\r', '\n', 0x1a, '\n'}

// maxType bounds the description: no struct that people write needs more.
const maxType = 64 << 10

// Size returns where the payload begins.
func (h *Header) Size() int64 { return int64(fixedSize+len(h.Type)+63) &^ 63 }

// Total returns the size of the object.
func (h *Header) Total() int64 { return h.Size() + h.Payload }

// Encode returns the header's bytes.
func (h *Header) Encode() ([]byte, error) {
	if len(h.Kind) > 8 || len(h.Type) > maxType || h.Payload < 0 {
		return nil, fmt.Errorf("the type has too many fields: its description has %d bytes, at most %d are possible (%w)", len(h.Type), maxType, breezeway.ErrTooLarge)
	}
	if bits.UintSize != 64 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, fmt.Errorf("shared objects are for 64-bit little-endian machines (%w)", errors.ErrUnsupported)
	}
	b := make([]byte, h.Size())
	copy(b, magic[:])
	copy(b[8:], h.Kind)
	le := binary.LittleEndian
	le.PutUint16(b[16:], h.Version)
	le.PutUint16(b[18:], h.Reader)
	le.PutUint16(b[20:], h.Writer)
	le.PutUint32(b[24:], uint32(h.Size()))
	le.PutUint32(b[28:], uint32(len(h.Type)))
	le.PutUint64(b[32:], uint64(h.Payload))
	le.PutUint64(b[40:], fingerprint(h.Type))
	copy(b[fixedSize:], h.Type)
	return b, nil
}

func fingerprint(description string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, description)
	return h.Sum64()
}

// Check reads the header of an object of the given size from r, and returns an
// error that wraps [breezeway.ErrMismatch] and says what differs unless it fits
// h, which is what this program would have written. writes says that this
// program wants to write to the object.
//
// What is read is believed in nothing: it is compared.
func (h *Header) Check(r io.ReaderAt, size int64, writes bool) error {
	var fixed [fixedSize]byte
	if _, err := r.ReadAt(fixed[:], 0); err != nil {
		if !errors.Is(err, io.EOF) {
			return err
		}
		return mismatch("it has %d bytes, less than a header", size)
	}
	if !bytes.Equal(fixed[:8], magic[:]) {
		return mismatch("it does not begin like an object of this module: %q", fixed[:8])
	}
	if kind := string(bytes.TrimRight(fixed[8:16], "\x00")); kind != h.Kind {
		return mismatch("it is of kind %q, not %q", kind, h.Kind)
	}
	le := binary.LittleEndian
	version, least, role := le.Uint16(fixed[16:]), le.Uint16(fixed[18:]), "read"
	if writes {
		least, role = le.Uint16(fixed[20:]), "write"
	}
	if least > h.Version {
		return mismatch("its layout has version %d, and whoever wants to %s it must know version %d; this program knows %d", version, role, least, h.Version)
	}
	if err := h.checkType(r, le.Uint32(fixed[28:]), le.Uint64(fixed[40:])); err != nil {
		return err
	}
	start, payload := le.Uint32(fixed[24:]), le.Uint64(fixed[32:])
	if int64(start) != h.Size() || payload != uint64(h.Payload) || size < h.Total() {
		return mismatch("its %d bytes begin at %d of %d, and not %d bytes at %d", payload, start, size, h.Payload, h.Size())
	}
	return nil
}

func (h *Header) checkType(r io.ReaderAt, length uint32, print uint64) error {
	if length > maxType {
		return mismatch("its type's description has %d bytes", length)
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, fixedSize); err != nil {
		return mismatch("its type's description is cut off")
	}
	if string(text) != h.Type {
		return mismatch("%s", difference(string(text), h.Type))
	}
	if print != fingerprint(h.Type) {
		return mismatch("the fingerprint of its type is %016x, not %016x: the header is damaged", print, fingerprint(h.Type))
	}
	return nil
}

func mismatch(format string, args ...any) error {
	return fmt.Errorf("the object is not what was expected: %s (%w)", fmt.Sprintf(format, args...), breezeway.ErrMismatch)
}
