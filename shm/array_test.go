package shm

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
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
		b, err := OpenArray[float64](name, shape, &Config{ReadOnly: true})
		keepArray(t, b, err)
		if !slices.Equal(b.Data(), a.Data()) || !slices.Equal(b.Shape(), []int{3, 4}) {
			t.Error("other elements", b.Data())
		}
		wantError(t, b.Borrow(func(data []float64) error { data[0] = 1; return nil }), os.ErrPermission)
	}
	_, err = OpenArray[float32](name, nil, nil)
	wantError(t, err, breezeway.ErrMismatch, "'<f8'", "(3, 4)", "'<f4'")
	_, err = OpenArray[float64](name, []int{4, 3}, nil)
	wantError(t, err, breezeway.ErrMismatch, "(3, 4)", "(4, 3)", "'<f8'")
	_, err = OpenArray[record](name, nil, nil)
	wantError(t, err, breezeway.ErrMismatch, "'<f8'", "('ID', '|u1')")
	_, err = OpenArray[float64](ipctest.UniqueName(), nil, nil)
	wantError(t, err, os.ErrNotExist)
	_, err = CreateArray[float64](name, []int{3}, nil)
	wantError(t, err, os.ErrExist)
	_, err = CreateArray[string](ipctest.UniqueName(), []int{3}, nil)
	wantError(t, err, os.ErrInvalid, "string")
	_, err = CreateArray[[3]float64](ipctest.UniqueName(), []int{3}, nil)
	wantError(t, err, os.ErrInvalid, "dimension")
	for _, shape := range [][]int{{-1}, {1 << 40, 1 << 40}, {1 << 62}} {
		_, err = CreateArray[float64](ipctest.UniqueName(), shape, nil)
		wantError(t, err, os.ErrInvalid)
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
		seg := mustCreate(t, int64(len(c.b)), nil)
		if len(c.b) < 10 && roundSize(int64(len(c.b))) > 10 {
			continue // it ends in zeros here
		}
		if _, err := seg.WriteAt(c.b, 0); err != nil {
			t.Fatal(err)
		}
		_, err := OpenArray[float64](seg.Name(), nil, nil)
		wantError(t, err, breezeway.ErrMismatch, c.want)
	}
	// An older numpy aligns headers to 16 bytes, or not at all.
	odd := mustCreate(t, 4096, nil)
	if _, err := odd.WriteAt(header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }  "), 0); err != nil {
		t.Fatal(err)
	}
	_, err := OpenArray[float64](odd.Name(), nil, nil)
	wantError(t, err, os.ErrInvalid, "aligned")
}

func TestPythonLiterals(t *testing.T) {
	for in, want := range map[string]string{
		"{'a': (1, 2, ), 'b':[True,False , None]}\n": "{'a': (1, 2), 'b': [True, False, None]}",
		`"it's"`:     `"it's"`,
		`'a\'b\\c"'`: `'a\'b\\c"'`,
		"( )":        "()",
		"(1)":        "1",
		"(-1,)":      "(-1,)",
	} {
		v, err := parsePython(in)
		if got := pyRepr(v); got != want || err != nil {
			t.Errorf("%q: %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "'", `'\n'`, "(1 2)", "{1: 2}", "{'a' 2}", "(", "1 2", "-", "99999999999999999999", "Nope", "{'a':1 'b':2}"} {
		if v, err := parsePython(in); err == nil {
			t.Errorf("%q is %s", in, pyRepr(v))
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
		// What was read is written again in a form that reads the same.
		again, err := decodeNpy(bytes.NewReader(encodeNpy(h.descr, h.shape)))
		if err != nil || again.descr != h.descr || !slices.Equal(again.shape, h.shape) {
			t.Errorf("%+v became %+v, %v", h, again, err)
		}
	})
}

func keepList(t testing.TB, l *ShareableList, err error) *ShareableList {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	keep(t, l.Segment())
	return l
}

func sameValue(a, b any) bool {
	if x, ok := a.([]byte); ok {
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	}
	return a == b
}

func TestShareableList(t *testing.T) {
	name := ipctest.UniqueName()
	values := []any{nil, true, false, int64(-1), 2.5, "text", "exactly8", "", []byte("raw"), int64(1) << 62, "ünï"}
	l, err := CreateShareableList(name, values, nil)
	keepList(t, l, err)
	same, err := OpenShareableList(name, nil)
	keepList(t, same, err)
	expect := func() {
		t.Helper()
		if same.Len() != len(values) {
			t.Fatalf("%d elements", same.Len())
		}
		for i, want := range values {
			if v, err := same.Get(i); !sameValue(v, want) || err != nil {
				t.Errorf("element %d: %#v, %v, want %#v", i, v, err, want)
			}
		}
	}
	expect()
	set := func(i int, v, becomes any) {
		t.Helper()
		if err := l.Set(i, v); err != nil {
			t.Error(err)
		}
		values[i] = becomes
	}
	set(0, "eight by", "eight by")
	set(1, 7, int64(7))
	set(3, uint32(1<<31), int64(1<<31))
	set(4, nil, nil)
	set(5, float32(0.5), 0.5)
	set(6, "sixteen bytes...", "sixteen bytes...")
	set(7, true, true)
	set(8, []byte{0, 1}, []byte{0, 1})
	set(2, "a", "a")
	set(2, "bcd", "bcd")
	expect()
	wantError(t, l.Set(0, "nine bytes"), breezeway.ErrTooLarge, "8")
	wantError(t, l.Set(0, "zero\x00"), os.ErrInvalid)
	wantError(t, l.Set(0, []string{}), os.ErrInvalid, "[]string")
	wantError(t, l.Set(len(values), 1), os.ErrInvalid)
	wantError(t, l.Set(-1, 1), os.ErrInvalid)
	_, err = l.Get(len(values))
	wantError(t, err, os.ErrInvalid)
	expect()
	_, err = CreateShareableList(ipctest.UniqueName(), []any{1, uint64(1)}, nil)
	wantError(t, err, os.ErrInvalid, "element 1", "uint64")
	empty, err := CreateShareableList(ipctest.UniqueName(), nil, nil)
	keepList(t, empty, err)
	if again, err := OpenShareableList(empty.Segment().Name(), nil); err != nil || again.Len() != 0 {
		t.Error(again.Len(), err)
	} else {
		again.Close()
	}
	ro, err := OpenShareableList(name, &Config{ReadOnly: true})
	keepList(t, ro, err)
	wantError(t, ro.Set(0, 1), os.ErrPermission)
}

// useList calls everything that reads a list.
func useList(l *ShareableList) (errs []error) {
	for i := range l.Len() {
		_, err := l.Get(i)
		errs = append(errs, err, l.Set(i, "x"), l.Set(i, 1))
	}
	return errs
}

func FuzzShareableList(f *testing.F) {
	name := ipctest.UniqueName()
	l, err := CreateShareableList(name, []any{nil, true, 7, 2.5, "text", []byte("raw")}, nil)
	keepList(f, l, err)
	seed := make([]byte, l.seg.Len())
	if _, err := l.seg.ReadAt(seed, 0); err != nil && err != io.EOF {
		f.Fatal(err)
	}
	f.Add(seed, 0, byte(0))
	f.Add(seed[:20], 3, byte(9))
	f.Add(make([]byte, 16), 0, byte(0))
	const size = 4096
	seg := mustCreate(f, size, nil)
	f.Fuzz(func(t *testing.T, b []byte, at int, v byte) {
		copy(seg.Bytes(), make([]byte, size))
		copy(seg.Bytes(), b)
		l := &ShareableList{seg: seg}
		if err := l.load(); err != nil {
			if !errors.Is(err, breezeway.ErrMismatch) {
				t.Error(err)
			}
			return
		}
		// It changes after it was opened.
		seg.Bytes()[uint(at)%size] = v
		for _, err := range useList(l) {
			if err != nil && !errors.Is(err, breezeway.ErrMismatch) && !errors.Is(err, breezeway.ErrTooLarge) {
				t.Error(err)
			}
		}
	})
}

func TestListMismatch(t *testing.T) {
	seg := mustCreate(t, 4096, nil)
	for _, words := range [][]int64{{-1}, {1 << 60}, {1000}, {2, 0, 8, 4}, {2, 1, 9, 17}, {1, 0, 1 << 40}} {
		for i, w := range words {
			if err := mmap.Write(seg.Mapping, 8*i, w); err != nil {
				t.Fatal(err)
			}
		}
		_, err := OpenShareableList(seg.Name(), nil)
		wantError(t, err, breezeway.ErrMismatch)
	}
	tiny := mustCreate(t, 4, nil)
	if roundSize(4) == 4 {
		_, err := OpenShareableList(tiny.Name(), nil)
		wantError(t, err, breezeway.ErrMismatch)
	}
}
