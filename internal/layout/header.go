// Package layout encodes and checks the header of our own shared objects, and the
// description of a Go type by which two programs agree on what follows.
// docs/formats.md has both byte by byte.
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

// Header is the header of an object.
type Header struct {
	Kind string // at most 8 ASCII letters

	// Version is the layout's. A program of another version may read the object
	// if both versions are at least Reader, and write to it if both are at least
	// Writer.
	Version, Reader, Writer uint16

	Type    string // the description of the type in the object, see Describe; may be empty
	Slots   uint32 // how often the object can be open at the same time; 0 without slots
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
//	48  4  slots
//	52 12  0
//	64     the description, in UTF-8, then zeros up to the payload
const fixedSize = 64

// magic is not text, and differs from itself after a conversion of line ends.
var magic = [8]byte{0x89, 'B', 'W', 'O', '\r', '\n', 0x1a, '\n'}

// maxType bounds the description.
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
	if err := checkMachine(bits.UintSize, binary.NativeEndian); err != nil {
		return nil, err
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
	le.PutUint32(b[48:], h.Slots)
	copy(b[fixedSize:], h.Type)
	return b, nil
}

// checkMachine refuses machines on which the words that follow a header would not be
// those of other programs.
func checkMachine(wordSize int, order binary.ByteOrder) error {
	if wordSize != 64 || order.Uint16([]byte{1, 0}) != 1 {
		return fmt.Errorf("shared objects are for 64-bit little-endian machines (%w)", errors.ErrUnsupported)
	}
	return nil
}

func fingerprint(description string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, description)
	return h.Sum64()
}

// Read reads the header of an object of size bytes from r. It trusts nothing in it: it
// returns an error that wraps [breezeway.ErrMismatch] unless the header is consistent
// with itself and with size. Where [Header.Encode] is unsupported, Read is.
func Read(r io.ReaderAt, size int64) (*Header, error) {
	if err := checkMachine(bits.UintSize, binary.NativeEndian); err != nil {
		return nil, err
	}
	var fixed [fixedSize]byte
	if n, err := r.ReadAt(fixed[:], 0); err != nil {
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, mismatch("it has %d bytes, less than a header", n)
	}
	if !bytes.Equal(fixed[:8], magic[:]) {
		return nil, mismatch("it does not begin like an object of this module: %q", fixed[:8])
	}
	le := binary.LittleEndian
	h := &Header{
		Kind:    string(bytes.TrimRight(fixed[8:16], "\x00")),
		Version: le.Uint16(fixed[16:]),
		Reader:  le.Uint16(fixed[18:]),
		Writer:  le.Uint16(fixed[20:]),
		Slots:   le.Uint32(fixed[48:]),
	}
	var err error
	if h.Type, err = readType(r, le.Uint32(fixed[28:]), le.Uint64(fixed[40:])); err != nil {
		return nil, err
	}
	start, payload := le.Uint32(fixed[24:]), le.Uint64(fixed[32:])
	if int64(start) != h.Size() || payload > uint64(max(0, size-h.Size())) {
		return nil, mismatch("its header says that %d bytes begin at %d, and it has %d", payload, start, size)
	}
	h.Payload = int64(payload)
	return h, nil
}

func readType(r io.ReaderAt, length uint32, print uint64) (string, error) {
	if length > maxType {
		return "", mismatch("its type's description has %d bytes", length)
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, fixedSize); err != nil {
		return "", mismatch("its type's description is cut off")
	}
	if print != fingerprint(string(text)) {
		return "", mismatch("the fingerprint of its type is %016x, not %016x: the header is damaged", print, fingerprint(string(text)))
	}
	return string(text), nil
}

// Accept reports whether a program that makes objects with header h can use one with
// the header found, for writing or only for reading. Otherwise it returns an error
// that wraps [breezeway.ErrMismatch] and says what differs.
func (h *Header) Accept(found *Header, writes bool) error {
	least, role := found.Reader, "read"
	if writes {
		least, role = found.Writer, "write"
	}
	switch {
	case found.Kind != h.Kind:
		return mismatch("it is of kind %q, not %q", found.Kind, h.Kind)
	case least > h.Version:
		return mismatch("its layout has version %d, and a program must know version %d to %s it; this one knows %d", found.Version, least, role, h.Version)
	case found.Version < h.Reader || writes && found.Version < h.Writer:
		return mismatch("its layout has version %d, which this program, of version %d, doesn't know any more", found.Version, h.Version)
	case found.Type != h.Type:
		return mismatch("%s", difference(found.Type, h.Type))
	}
	return nil
}

// AcceptSize compares what Accept doesn't: the numbers of slots and bytes.
func (h *Header) AcceptSize(found *Header) error {
	switch {
	case found.Slots != h.Slots:
		return mismatch("it has %d slots, not %d", found.Slots, h.Slots)
	case found.Payload != h.Payload:
		return mismatch("it has %d bytes, not %d", found.Payload, h.Payload)
	}
	return nil
}

func mismatch(format string, args ...any) error {
	return fmt.Errorf("the object is not what was expected: %s (%w)", fmt.Sprintf(format, args...), breezeway.ErrMismatch)
}
