package python

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
)

// npyHeader is what a .npy file, or array in memory, begins with. Its format is
// numpy's NEP 1: the magic, a version of two bytes, the length of what follows
// (two bytes little-endian in version 1, four later), and a Python dict in text,
// padded with spaces to a multiple of 64 and ending with a newline. The text is Latin-1
// in versions 1 and 2, and UTF-8 in version 3.
type npyHeader struct {
	descr   string // of the elements' type, in Python's words
	fortran bool   // the first index runs fastest
	shape   []int
	size    int // of the header in bytes: where the elements begin
}

const npyMagic = "\x93NUMPY"

// maxNpyHeader bounds what is read of a header.
const maxNpyHeader = 1 << 20

// encodeNpy returns the header of an array in C's order. descr is ASCII: see
// checkNames.
func encodeNpy(descr string, shape []int) []byte {
	dict := fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': %s, }", descr, pyTuple(shape))
	version, prefix := byte(1), len(npyMagic)+4
	if prefix+len(dict)+64 > 0xffff {
		version, prefix = 2, prefix+2
	}
	total := (prefix + len(dict) + 1 + 63) &^ 63
	b := append(make([]byte, 0, total), npyMagic...)
	b = append(b, version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(total-prefix))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(total-prefix))
	}
	b = append(b, dict...)
	for len(b) < total-1 {
		b = append(b, ' ')
	}
	return append(b, '\n')
}

// decodeNpy reads the header of an array. What is wrong with it is
// [breezeway.ErrMismatch].
func decodeNpy(r io.ReaderAt) (*npyHeader, error) {
	var fixed [12]byte
	n, err := r.ReadAt(fixed[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n < 10 || string(fixed[:6]) != npyMagic {
		return nil, notNpy("it begins with %q", fixed[:min(n, 6)])
	}
	start, length := 10, int64(binary.LittleEndian.Uint16(fixed[8:]))
	switch fixed[6] {
	case 1:
	case 2, 3:
		start, length = 12, int64(binary.LittleEndian.Uint32(fixed[8:]))
	default:
		return nil, notNpy("its version is %d.%d, and 1 to 3 are known", fixed[6], fixed[7])
	}
	if length > maxNpyHeader {
		return nil, notNpy("its header has %d bytes", length)
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, int64(start)); err == io.EOF {
		return nil, notNpy("its header is cut off")
	} else if err != nil {
		return nil, err
	}
	if fixed[6] < 3 {
		text = fromLatin1(text)
	}
	h, err := parseNpy(string(text))
	if err != nil {
		return nil, err
	}
	h.size = start + int(length)
	return h, nil
}

// fromLatin1 returns text, which is Latin-1, as UTF-8.
func fromLatin1(text []byte) []byte {
	utf := make([]byte, 0, len(text))
	for _, c := range text {
		utf = utf8.AppendRune(utf, rune(c))
	}
	return utf
}

// checkNames refuses field names outside ASCII, in a description by npyType. Readers of
// every version of the header agree on ASCII alone, and not all of them know version 3.
func checkNames(descr string) error {
	if strings.ContainsFunc(descr, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return fmt.Errorf("the dtype %s has a field name outside ASCII; give the field another by a tag such as `npy:\"x\"` (%w)", shown(descr), os.ErrInvalid)
	}
	return nil
}

func notNpy(format string, args ...any) error {
	return fmt.Errorf("the segment holds no numpy array: %s (%w)", fmt.Sprintf(format, args...), breezeway.ErrMismatch)
}

func parseNpy(text string) (*npyHeader, error) {
	v, err := parsePython(text)
	if err != nil {
		return nil, notNpy("its header %.100q is no Python literal: %v", text, err)
	}
	dict, _ := v.(pyDict)
	fortran, ok1 := dict["fortran_order"].(bool)
	dims, ok2 := dict["shape"].(pyTupleValue)
	descr, ok3 := dict["descr"]
	if !ok1 || !ok2 || !ok3 {
		return nil, notNpy("its header %.100q lacks descr, fortran_order or shape", text)
	}
	const mostDimensions = 64 // numpy's
	if len(dims) > mostDimensions {
		return nil, notNpy("it has %d dimensions", len(dims))
	}
	h := &npyHeader{fortran: fortran, descr: pyRepr(descr), shape: []int{}}
	for _, d := range dims {
		n, ok := d.(int)
		if !ok || n < 0 {
			return nil, notNpy("its shape is %s", shown(pyRepr(dims)))
		}
		h.shape = append(h.shape, n)
	}
	return h, nil
}

// elements returns how many elements of size bytes a shape has, or false if they
// are more than could be addressed.
func elements(shape []int, size uintptr) (n int, ok bool) {
	const most = math.MaxInt / 2 // with room for the header
	n = 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > most/int(size)/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// npyType returns numpy's description of the elements' type t, as the header has
// it.
func npyType(t reflect.Type) (string, error) {
	switch t.Kind() {
	case reflect.Struct:
		return npyStruct(t)
	case reflect.Array:
		return "", fmt.Errorf("the elements of an array can't be arrays themselves: add a dimension to the shape (%w)", os.ErrInvalid)
	}
	letter, order := "", "<"
	if t.Size() == 1 {
		order = "|"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		letter = "i"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		letter = "u"
	case reflect.Float32, reflect.Float64:
		letter = "f"
	case reflect.Complex64, reflect.Complex128:
		letter = "c"
	default:
		return "", fmt.Errorf("numpy has no type for %v (%w)", t, os.ErrInvalid)
	}
	return fmt.Sprintf("'%s%s%d'", order, letter, t.Size()), nil
}

// npyStruct describes a structured type, with the padding of Go, which is that of
// numpy's align=True.
func npyStruct(t reflect.Type) (string, error) {
	var fields []string
	end := uintptr(0)
	pad := func(to uintptr) {
		if to > end {
			fields = append(fields, fmt.Sprintf("('', '|V%d')", to-end))
		}
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Size() == 0 || f.Name == "_" {
			continue
		}
		pad(f.Offset)
		end = f.Offset + f.Type.Size()
		name := f.Name
		if tag := f.Tag.Get("npy"); tag != "" {
			name = tag
		}
		element, dims := f.Type, []int(nil)
		for element.Kind() == reflect.Array {
			dims = append(dims, element.Len())
			element = element.Elem()
		}
		descr, err := npyType(element)
		if err != nil {
			return "", fmt.Errorf("field %s: %w", f.Name, err)
		}
		if dims != nil {
			descr += ", " + pyTuple(dims)
		}
		fields = append(fields, fmt.Sprintf("(%s, %s)", pyString(name), descr))
	}
	pad(t.Size())
	return "[" + strings.Join(fields, ", ") + "]", nil
}

// check returns an error that spells both out unless h is an array of what descr
// and shape say. A nil shape is any.
func (h *npyHeader) check(descr string, shape []int) error {
	switch {
	case h.descr != descr:
		return fmt.Errorf("its elements are of dtype %s and shape %s, not of dtype %s (%w)", shown(h.descr), pyTuple(h.shape), descr, breezeway.ErrMismatch)
	case shape != nil && !slices.Equal(h.shape, shape):
		return fmt.Errorf("its shape is %s, not %s; its dtype is %s (%w)", pyTuple(h.shape), pyTuple(shape), descr, breezeway.ErrMismatch)
	case h.fortran && len(h.shape) > 1:
		return fmt.Errorf("its elements, of dtype %s and shape %s, are in Fortran's order, the first index running fastest; write it with numpy.ascontiguousarray (%w)",
			descr, pyTuple(h.shape), breezeway.ErrMismatch)
	}
	return nil
}

// shown keeps text of another process from being long or strange.
func shown(s string) string {
	const longest = 200
	if len(s) > longest {
		end := longest
		for end > longest-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
