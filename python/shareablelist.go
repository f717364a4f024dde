package python

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// ShareableList is a multiprocessing.shared_memory.ShareableList of Python: a list of
// fixed length whose elements are None, bool, int, float, str or bytes, and may be
// replaced by others that are no longer. In Go they are nil, bool, int64, float64,
// string and []byte.
//
// Nothing protects an element that one process sets while another gets it, in Python
// neither: use a lock. On a nil or zero list methods fail with [os.ErrInvalid].
type ShareableList struct {
	seg     *shm.Segment
	offsets []int64 // of each element, and of the end, in the data
}

// The list in memory, all numbers 64-bit little-endian, n elements:
//
//	n
//	n+1 offsets into the data, of each element and of its end
//	the data
//	n formats of Python's struct module, 8 bytes each, padded with zeros
//	n bytes that say what a value becomes in Python
const (
	becomesNumber = 0 // or a bool
	becomesStr    = 1
	becomesBytes  = 2
	becomesNone   = 3

	formatInt   = "q"
	formatFloat = "d"
	formatBool  = "xxxxxxx?"
	formatNone  = "xxxxxx?x"
	formatSize  = 8

	// What an element may have: the format of more does not fit in formatSize.
	mostRoom = 9_999_999
)

// CreateShareableList makes the segment name with a list of values: nil, bool, any
// integer that an int64 holds, float32 or float64, string, []byte. A string or []byte
// gets room for the next multiple of 8 bytes above its length. It fails as
// [shm.Create] does, and with [os.ErrInvalid] for other values, for text that ends in a
// zero byte, which Python strips, and for a string that is not UTF-8.
func CreateShareableList(name string, values []any, cfg *shm.Config) (*ShareableList, error) {
	l, err := createList(name, values, cfg)
	if err != nil {
		return nil, fail.With(breezeway.OpCreate, kindList, name, err)
	}
	return l, nil
}

func createList(name string, values []any, cfg *shm.Config) (*ShareableList, error) {
	if err := checkByteOrder(binary.NativeEndian); err != nil {
		return nil, err
	}
	content, offsets, err := encodeList(values)
	if err != nil {
		return nil, err
	}
	seg, err := createFilled(name, int64(len(content)), cfg, func(b []byte) error {
		// The number of elements last, for processes that look before the list is
		// complete (Windows).
		copy(b[8:], content[8:])
		copy(b, content[:8])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ShareableList{seg, offsets}, nil
}

// encodeList returns the bytes of a new list, and the offsets that are in it.
func encodeList(values []any) (content []byte, offsets []int64, err error) {
	offsets = make([]int64, 1, len(values)+1)
	var data, formats, codes []byte
	for i, v := range values {
		e, err := newElement(v)
		if err != nil {
			return nil, nil, fmt.Errorf("element %d: %w", i, err)
		}
		data = append(data, e.data...)
		formats = append(formats, padded(e.format)...)
		codes = append(codes, e.code)
		offsets = append(offsets, int64(len(data)))
	}
	content = binary.LittleEndian.AppendUint64(nil, uint64(len(values)))
	for _, o := range offsets {
		content = binary.LittleEndian.AppendUint64(content, uint64(o))
	}
	return slices.Concat(content, data, formats, codes), offsets, nil
}

// newElement returns an element as a new list holds it: text with the room that it
// gets.
func newElement(v any) (element, error) {
	e, err := elementOf(v)
	if err != nil || e.format != "" {
		return e, err
	}
	room := len(e.data)/8*8 + 8
	if room > mostRoom {
		return e, fmt.Errorf("%d bytes are more than an element can have (%w)", len(e.data), breezeway.ErrTooLarge)
	}
	e.format = strconv.Itoa(room) + "s"
	e.data = append(e.data, make([]byte, room-len(e.data))...)
	return e, nil
}

// OpenShareableList opens the list in the segment name. It fails as [shm.Open] does,
// and with [breezeway.ErrMismatch] if the segment can't hold a list, and with
// [errors.ErrUnsupported] on a big-endian machine.
func OpenShareableList(name string, cfg *shm.Config) (*ShareableList, error) {
	if err := checkByteOrder(binary.NativeEndian); err != nil {
		return nil, fail.With(breezeway.OpOpen, kindList, name, err)
	}
	seg, err := shm.Open(name, cfg)
	if err != nil {
		return nil, err
	}
	l := &ShareableList{seg: seg}
	if err := l.load(); err != nil {
		seg.Close()
		return nil, fail.With(breezeway.OpOpen, kindList, name, err)
	}
	return l, nil
}

// load reads the offsets, once: like Python, the list relies on them from now on.
func (l *ShareableList) load() error {
	n, err := mmap.Read[int64](l.seg.Mapping, 0)
	if err != nil {
		return notList("it has %d bytes", l.seg.Len())
	}
	const perElement = 8 + 8 + formatSize + 1 // offset, at least 8 bytes of data, format, code
	if n < 0 || n > int64(l.seg.Len())/perElement {
		return notList("%d elements don't fit in %d bytes", n, l.seg.Len())
	}
	// The offsets may not be there, though there is room for them: memory is taken
	// for those that were read and are right, never for the number that is announced.
	l.offsets = nil
	end, most := int64(0), int64(l.seg.Len())-(n+2)*8-n*(formatSize+1)
	for i := range int(n) + 1 {
		o, err := mmap.Read[int64](l.seg.Mapping, 8+8*i)
		if err != nil {
			return err
		}
		if i == 0 && o != 0 || i > 0 && (o < end || o-end < 8) {
			return notList("element %d begins at %d", i, o)
		}
		if o-end > mostRoom {
			return notList("element %d has %d bytes, and %d are possible", i-1, o-end, mostRoom)
		}
		if o > most {
			return notList("its data of %d bytes or more does not fit in %d", o, l.seg.Len())
		}
		l.offsets = append(l.offsets, o)
		end = o
	}
	l.offsets = slices.Clip(l.offsets)
	return nil
}

func notList(format string, args ...any) error {
	return fmt.Errorf("the segment holds no ShareableList: %s (%w)", fmt.Sprintf(format, args...), breezeway.ErrMismatch)
}

// Where things are.
func (l *ShareableList) data() int64 { return int64(l.Len()+2) * 8 }
func (l *ShareableList) format(i int) int64 {
	return l.data() + l.offsets[l.Len()] + int64(i)*formatSize
}
func (l *ShareableList) becomes(i int) int64 { return l.format(l.Len()) + int64(i) }

// Len returns how many elements there are. It never changes.
func (l *ShareableList) Len() int {
	if l.isZero() {
		return 0
	}
	return len(l.offsets) - 1
}

func (l *ShareableList) isZero() bool { return l == nil || l.seg == nil }

var errNoList = fmt.Errorf("there is no list; make it with python.CreateShareableList or python.OpenShareableList (%w)", os.ErrInvalid)

// Segment returns the segment that the list is in.
func (l *ShareableList) Segment() *shm.Segment {
	if l == nil {
		return nil
	}
	return l.seg
}

// Close closes the segment, which stays; see [shm.Segment.Close].
func (l *ShareableList) Close() error {
	if l.isZero() {
		return fail.With(breezeway.OpClose, kindList, "", errNoList)
	}
	return l.seg.Close()
}

// Get returns element i: nil, bool, int64, float64, string or []byte. As in
// Python zeros at the end of a string or []byte are not part of it. What Python
// could not have written there is [breezeway.ErrMismatch], and an i that is none
// [os.ErrInvalid].
func (l *ShareableList) Get(i int) (any, error) {
	v, err := l.get(i)
	if err != nil {
		return nil, fail.With(breezeway.OpGet, kindList, l.Segment().Name(), err)
	}
	return v, nil
}

func (l *ShareableList) get(i int) (any, error) {
	if err := l.check(i); err != nil {
		return nil, err
	}
	var format [formatSize]byte
	if _, err := l.seg.ReadAt(format[:], l.format(i)); err != nil {
		return nil, err
	}
	code, err := mmap.Read[uint8](l.seg.Mapping, int(l.becomes(i)))
	if err != nil {
		return nil, err
	}
	data := make([]byte, min(l.room(i), formatSize))
	text := string(bytes.TrimRight(format[:], "\x00"))
	size := 8
	if digits := len(text) - 1; digits >= 0 && text[digits] == 's' {
		if size, err = strconv.Atoi(text[:digits]); err != nil || size < 0 || size > l.room(i) {
			return nil, notList("the format of element %d is %q", i, text)
		}
		data = make([]byte, size)
	}
	if _, err := l.seg.ReadAt(data, l.data()+l.offsets[i]); err != nil {
		return nil, err
	}
	bits := func() uint64 { return binary.LittleEndian.Uint64(data) }
	switch {
	case code == becomesNone:
		return nil, nil
	case code == becomesNumber && text == formatInt:
		return int64(bits()), nil
	case code == becomesNumber && text == formatFloat:
		return math.Float64frombits(bits()), nil
	case code == becomesNumber && text == formatBool:
		return data[7] != 0, nil
	case code == becomesStr && strings.HasSuffix(text, "s"):
		s := string(bytes.TrimRight(data, "\x00"))
		if !utf8.ValidString(s) {
			return nil, notList("element %d is a str that is not UTF-8", i)
		}
		return s, nil
	case code == becomesBytes && strings.HasSuffix(text, "s"):
		return bytes.TrimRight(data, "\x00"), nil
	}
	return nil, notList("element %d has the format %q and becomes %d", i, text, code)
}

// Set replaces element i. A string or []byte longer than the room that the list
// was created with fails with [breezeway.ErrTooLarge]; other values always fit.
// It fails further as [CreateShareableList] does for a value, and with
// [os.ErrPermission] on a read-only segment.
func (l *ShareableList) Set(i int, v any) error {
	return fail.With(breezeway.OpSet, kindList, l.Segment().Name(), l.set(i, v))
}

func (l *ShareableList) set(i int, v any) error {
	if err := l.check(i); err != nil {
		return err
	}
	e, err := elementOf(v)
	if err != nil {
		return err
	}
	if e.format == "" {
		if len(e.data) > l.room(i) {
			return fmt.Errorf("%d bytes don't fit in the %d that element %d has (%w)", len(e.data), l.room(i), i, breezeway.ErrTooLarge)
		}
		e.format = strconv.Itoa(l.room(i)) + "s"
		e.data = append(e.data, make([]byte, l.room(i)-len(e.data))...)
	}
	if _, err := l.seg.WriteAt(padded(e.format), l.format(i)); err != nil {
		return err
	}
	if err := mmap.Write(l.seg.Mapping, int(l.becomes(i)), e.code); err != nil {
		return err
	}
	_, err = l.seg.WriteAt(e.data, l.data()+l.offsets[i])
	return err
}

func (l *ShareableList) check(i int) error {
	if l.isZero() {
		return errNoList
	}
	if i < 0 || i >= l.Len() {
		return fmt.Errorf("there is no element %d of %d (%w)", i, l.Len(), os.ErrInvalid)
	}
	return nil
}

// room returns how many bytes element i has.
func (l *ShareableList) room(i int) int { return int(l.offsets[i+1] - l.offsets[i]) }

// element is a value as the list holds it. Text has no format yet: that depends on
// the room.
type element struct {
	format string
	code   byte
	data   []byte
}

func elementOf(v any) (element, error) {
	number := func(format string, bits uint64) (element, error) {
		return element{format, becomesNumber, binary.LittleEndian.AppendUint64(nil, bits)}, nil
	}
	text := func(code byte, s string) (element, error) {
		if len(s) > 0 && s[len(s)-1] == 0 {
			return element{}, fmt.Errorf("text that ends in a zero byte would come back without it (%w)", os.ErrInvalid)
		}
		return element{"", code, []byte(s)}, nil
	}
	switch v := v.(type) {
	case nil:
		return element{formatNone, becomesNone, make([]byte, 8)}, nil
	case bool:
		if v {
			return number(formatBool, 1<<56)
		}
		return number(formatBool, 0)
	case int:
		return number(formatInt, uint64(v))
	case int8:
		return number(formatInt, uint64(v))
	case int16:
		return number(formatInt, uint64(v))
	case int32:
		return number(formatInt, uint64(v))
	case int64:
		return number(formatInt, uint64(v))
	case uint8:
		return number(formatInt, uint64(v))
	case uint16:
		return number(formatInt, uint64(v))
	case uint32:
		return number(formatInt, uint64(v))
	case uint:
		return elementOf(uint64(v))
	case uint64:
		if v > math.MaxInt64 {
			return element{}, fmt.Errorf("%d is more than an int of the list can be, %d (%w)", v, int64(math.MaxInt64), os.ErrInvalid)
		}
		return number(formatInt, v)
	case float32:
		return number(formatFloat, math.Float64bits(float64(v)))
	case float64:
		return number(formatFloat, math.Float64bits(v))
	case string:
		if !utf8.ValidString(v) {
			return element{}, fmt.Errorf("a string that is not UTF-8 has no str in Python; give a []byte (%w)", os.ErrInvalid)
		}
		return text(becomesStr, v)
	case []byte:
		return text(becomesBytes, string(v))
	}
	return element{}, fmt.Errorf("a %T can't be in the list; give nil, a bool, an integer, a float, a string or []byte (%w)", v, os.ErrInvalid)
}

func padded(format string) []byte {
	return append([]byte(format), make([]byte, formatSize-len(format))...)
}
