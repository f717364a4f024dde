package python

import (
	"bytes"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shm"
)

func keepArray[T any](t testing.TB, a *Array[T], err error) *Array[T] {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	keep(t, a.Segment())
	return a
}

type record struct {
	ID    uint8
	Value float64 `npy:"value"`
	Axis  [2][3]int16
	At    struct{ X, Y float32 }
	Last  uint8
}

func TestArray(t *testing.T) {
	name := ipctest.UniqueName()
	a, err := CreateArray[float64](name, []int{3, 4}, nil)
	keepArray(t, a, err)
	if len(a.Data()) != 12 || !slices.Equal(a.Shape(), []int{3, 4}) {
		t.Errorf("%d elements, shape %v", len(a.Data()), a.Shape())
	}
	for i := range a.Data() {
		a.Data()[i] = float64(i) / 2
	}
	want := "\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }"
	head := a.Segment().Bytes()[:128]
	if !strings.HasPrefix(string(head), want) || strings.Trim(string(head[len(want):]), " ") != "\n" {
		t.Errorf("header %q", head)
	}
	for _, shape := range [][]int{nil, {3, 4}} {
		b, err := OpenArray[float64](name, shape, &shm.Config{ReadOnly: true})
		keepArray(t, b, err)
		if !slices.Equal(b.Data(), a.Data()) || !slices.Equal(b.Shape(), []int{3, 4}) {
			t.Error("other elements", b.Data())
		}
		ipctest.WantError(t, b.Borrow(func(data []float64) error { data[0] = 1; return nil }), os.ErrPermission)
	}
	_, err = OpenArray[float32](name, nil, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "'<f8'", "(3, 4)", "'<f4'")
	_, err = OpenArray[float64](name, []int{4, 3}, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "(3, 4)", "(4, 3)", "'<f8'")
	_, err = OpenArray[record](name, nil, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "'<f8'", "('ID', '|u1')")
	_, err = OpenArray[float64](ipctest.UniqueName(), nil, nil)
	ipctest.WantError(t, err, os.ErrNotExist)
	_, err = CreateArray[float64](name, []int{3}, nil)
	ipctest.WantError(t, err, os.ErrExist)
	_, err = CreateArray[string](ipctest.UniqueName(), []int{3}, nil)
	ipctest.WantError(t, err, os.ErrInvalid, "string")
	_, err = CreateArray[[3]float64](ipctest.UniqueName(), []int{3}, nil)
	ipctest.WantError(t, err, os.ErrInvalid, "dimension")
	for _, shape := range [][]int{{-1}, {math.MaxInt / 8, math.MaxInt / 8}, {math.MaxInt/2 + 1}} {
		_, err = CreateArray[float64](ipctest.UniqueName(), shape, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
	}
}

func TestArrayShapes(t *testing.T) {
	for _, shape := range [][]int{{}, {0}, {5}, {2, 0, 3}, {1, 1, 1, 1}} {
		name := ipctest.UniqueName()
		a, err := CreateArray[uint8](name, shape, nil)
		keepArray(t, a, err)
		n, _ := elements(shape, 1)
		b, err := OpenArray[uint8](name, shape, nil)
		keepArray(t, b, err)
		if len(a.Data()) != n || len(b.Data()) != n {
			t.Errorf("shape %v: %d and %d elements", shape, len(a.Data()), len(b.Data()))
		}
	}
}

func TestStructuredType(t *testing.T) {
	descr, err := describeElement[record]()
	const want = "[('ID', '|u1'), ('', '|V7'), ('value', '<f8'), ('Axis', '<i2', (2, 3)), ('At', [('X', '<f4'), ('Y', '<f4')]), ('Last', '|u1'), ('', '|V3')]"
	if want := want; descr != want || err != nil {
		t.Errorf("%s, %v, want %s", descr, err, want)
	}
}

func TestNoArray(t *testing.T) {
	header := func(dict string) []byte {
		b := append([]byte("\x93NUMPY\x01\x00"), byte(len(dict)), byte(len(dict)>>8))
		return append(append(b, dict...), make([]byte, 64)...)
	}
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{make([]byte, 4096), "begins with"},
		{[]byte("\x93NUMPY"), "begins with"},
		{[]byte("\x93NUMPY\x09\x00\x02\x00{}"), "version is 9.0"},
		{[]byte("\x93NUMPY\x01\x00\xff\xff{}"), "cut off"},
		{[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{}"), "4294967295 bytes"},
		{header("{'descr': '<f8'"), "no Python literal"},
		{header("[1, 2]"), "lacks"},
		{header("{'descr': '<f8', 'fortran_order': False}"), "lacks"},
		{header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "shape is (-1,)"},
		{header("{'descr': '<f8', 'fortran_order': False, 'shape': ('a',)}"), "shape is ('a',)"},
		{header("{'descr': '<f8', 'fortran_order': False, 'shape': (9000,)}"), "does not fit"},
		{header("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904)}"), "does not fit"},
		{header("{'descr': '>f8', 'fortran_order': False, 'shape': (1,)}"), "'>f8'"},
		{header("{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1)}"), "Fortran"},
		{header("{'descr': " + strings.Repeat("[", 1000)), "nested too deep"},
	} {
		seg := mustCreate(t, int64(len(c.b)))
		if len(c.b) < 10 && sizeOpened(t, seg) > 10 {
			continue // it ends in zeros here
		}
		if _, err := seg.WriteAt(c.b, 0); err != nil {
			t.Fatal(err)
		}
		_, err := OpenArray[float64](seg.Name(), nil, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, c.want)
	}
	// An older numpy aligns headers to 16 bytes, or not at all.
	odd := mustCreate(t, 4096)
	if _, err := odd.WriteAt(header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }  "), 0); err != nil {
		t.Fatal(err)
	}
	_, err := OpenArray[float64](odd.Name(), nil, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "aligned")
}

// The text of a header is Latin-1 up to version 2, and UTF-8 in version 3.
func TestFieldNamesOutsideASCII(t *testing.T) {
	type dims struct {
		Größe float64
	}
	_, err := CreateArray[dims](ipctest.UniqueName(), []int{1}, nil)
	ipctest.WantError(t, err, os.ErrInvalid, "Größe", "npy:")
	const dict = "{'descr': [('Gr%sße', '<f8')], 'fortran_order': False, 'shape': (1,), }"
	latin1 := strings.NewReplacer("%s", "\xf6", "ß", "\xdf").Replace(dict)
	utf := strings.Replace(dict, "%s", "ö", 1)
	for what, header := range map[string]string{
		"version 1": "\x93NUMPY\x01\x00" + "\x76\x00" + latin1 + strings.Repeat(" ", 0x76-len(latin1)),
		"version 2": "\x93NUMPY\x02\x00" + "\x74\x00\x00\x00" + latin1 + strings.Repeat(" ", 0x74-len(latin1)),
		"version 3": "\x93NUMPY\x03\x00" + "\x74\x00\x00\x00" + utf + strings.Repeat(" ", 0x74-len(utf)),
	} {
		seg := mustCreate(t, int64(len(header))+8)
		if _, err := seg.WriteAt([]byte(header), 0); err != nil {
			t.Fatal(err)
		}
		a, err := OpenArray[dims](seg.Name(), []int{1}, nil)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		keepArray(t, a, err)
	}
}

// What an error tells of another process's header is short, and moves no cursor.
func TestErrorsOfHostileHeaders(t *testing.T) {
	long := strings.Repeat("9", 50_000)
	for what, shape := range map[string]string{
		"escapes": "('\x1b[2J\x1b]0;owned\x07" + long + "',)",
		"Latin-1": "('" + strings.Repeat("\xe9", 50_000) + "',)",
		"digits":  "(" + long + ",)",
		"strange": long + "\x1b[2J",
	} {
		dict := "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }"
		header := append([]byte("\x93NUMPY\x01\x00"), byte(len(dict)), byte(len(dict)>>8))
		_, err := decodeNpy(bytes.NewReader(append(header, dict...)))
		if !errors.Is(err, breezeway.ErrMismatch) {
			t.Fatalf("%s: %v", what, err)
		}
		if text := err.Error(); len(text) > 1000 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%s: %d bytes of error: %.200q", what, len(text), text)
		}
	}
}

func FuzzNpyHeader(f *testing.F) {
	f.Add(append(encodeNpy("'<f8'", []int{3, 4}), make([]byte, 96)...))
	f.Add(encodeNpy("[('', '|V4'), ('x', '<f4', (2,))]", []int{0}))
	f.Add([]byte("\x93NUMPY\x03\x00\x10\x00\x00\x00{'descr': (1,)  }"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeNpy(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%v", err)
			}
			return
		}
		if h.size > len(b) {
			t.Errorf("a header of %d bytes in %d", h.size, len(b))
		}
		if n, ok := elements(h.shape, 8); ok && n < 0 {
			t.Errorf("shape %v has %d elements", h.shape, n)
		}
		if checkNames(h.descr) != nil {
			return
		}
		// What was read is written again in a form that reads the same.
		again, err := decodeNpy(bytes.NewReader(encodeNpy(h.descr, h.shape)))
		if err != nil || again.descr != h.descr || !slices.Equal(again.shape, h.shape) {
			t.Errorf("%+v became %+v, %v", h, again, err)
		}
	})
}
