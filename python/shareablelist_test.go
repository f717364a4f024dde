package python

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

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
	ipctest.WantError(t, l.Set(0, "nine bytes"), breezeway.ErrTooLarge, "8")
	ipctest.WantError(t, l.Set(0, "zero\x00"), os.ErrInvalid)
	ipctest.WantError(t, l.Set(0, []string{}), os.ErrInvalid, "[]string")
	ipctest.WantError(t, l.Set(len(values), 1), os.ErrInvalid)
	ipctest.WantError(t, l.Set(-1, 1), os.ErrInvalid)
	_, err = l.Get(len(values))
	ipctest.WantError(t, err, os.ErrInvalid)
	expect()
	_, err = CreateShareableList(ipctest.UniqueName(), []any{1, struct{}{}}, nil)
	ipctest.WantError(t, err, os.ErrInvalid, "element 1", "struct")
	empty, err := CreateShareableList(ipctest.UniqueName(), nil, nil)
	keepList(t, empty, err)
	if again, err := OpenShareableList(empty.Segment().Name(), nil); err != nil || again.Len() != 0 {
		t.Error(again.Len(), err)
	} else {
		again.Close()
	}
	ro, err := OpenShareableList(name, &shm.Config{ReadOnly: true})
	keepList(t, ro, err)
	ipctest.WantError(t, ro.Set(0, 1), os.ErrPermission)
}

// A list holds every integer that an int64 holds, whatever its type in Go.
func TestListTakesIntegersThatFit(t *testing.T) {
	values := []any{uint(1), uint64(2), uint(math.MaxUint) >> 1, uint64(math.MaxInt64), int64(math.MinInt64)}
	l, err := CreateShareableList(ipctest.UniqueName(), values, nil)
	keepList(t, l, err)
	for i, want := range []int64{1, 2, math.MaxInt, math.MaxInt64, math.MinInt64} {
		if v, err := l.Get(i); v != want || err != nil {
			t.Errorf("element %d: %v, %v, want %d", i, v, err, want)
		}
	}
	for _, v := range []any{uint64(math.MaxInt64 + 1), uint64(math.MaxUint64)} {
		ipctest.WantError(t, l.Set(0, v), os.ErrInvalid, fmt.Sprint(v), "9223372036854775807")
	}
	if v, err := l.Get(0); v != int64(1) || err != nil {
		t.Error(v, err)
	}
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
	seg := mustCreate(f, size)
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

// sparseList makes a segment of size bytes that holds nothing but words.
func sparseList(t testing.TB, size int64, words ...int64) string {
	t.Helper()
	seg, err := shm.Create(ipctest.UniqueName(), 8*int64(len(words)), nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, seg)
	for i, w := range words {
		if err := mmap.Write(seg.Mapping, 8*i, w); err != nil {
			t.Fatal(err)
		}
	}
	if err := seg.File().Truncate(size); err != nil {
		t.Fatal(err)
	}
	return seg.Name()
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A file without storage may be as large as its maker likes: neither the number of
// elements nor their room may make this process allocate.
func TestListTakesNoMemoryForWhatIsAnnounced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a section has storage for all of its size")
	}
	const size = 1 << 42
	for what, words := range map[string][]int64{
		"elements":       {size/25 - 10},
		"room":           {1, 0, 8 << 30},
		"room by 1 byte": {1, 0, mostRoom + 1},
		"second element": {2, 0, 8, 8 + mostRoom + 1},
	} {
		name := sparseList(t, size, words...)
		var err error
		n := allocated(func() { _, err = OpenShareableList(name, nil) })
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		if n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", what, n)
		}
	}
}

// The longest text that a format of 8 bytes can say, and one that it can't.
func TestLongestText(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a section can't be extended")
	}
	l, err := OpenShareableList(sparseList(t, 11_000_000, 1, 0, mostRoom), nil)
	keepList(t, l, err)
	if err := l.Set(0, "x"); err != nil {
		t.Fatal(err)
	}
	if v, err := l.Get(0); v != "x" || err != nil {
		t.Error(v, err)
	}
	long := strings.Repeat("x", mostRoom-mostRoom%8)
	n := allocated(func() { _, err = CreateShareableList(ipctest.UniqueName(), []any{long}, nil) })
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
	if n > 3*mostRoom {
		t.Errorf("%d bytes were allocated", n)
	}
	ours, err := CreateShareableList(ipctest.UniqueName(), []any{long[1:]}, nil)
	keepList(t, ours, err)
	if v, err := ours.Get(0); v != long[1:] || err != nil {
		t.Error("another text", err)
	}
}

// Python's str is text: bytes that are not UTF-8 can be []byte alone.
func TestStringsAreUTF8(t *testing.T) {
	name := ipctest.UniqueName()
	l, err := CreateShareableList(name, []any{"text"}, nil)
	keepList(t, l, err)
	ipctest.WantError(t, l.Set(0, "\xff\xfe"), os.ErrInvalid, "UTF-8")
	if v, err := l.Get(0); v != "text" || err != nil {
		t.Error(v, err)
	}
	_, err = CreateShareableList(ipctest.UniqueName(), []any{"\xff"}, nil)
	ipctest.WantError(t, err, os.ErrInvalid, "UTF-8")
	if _, err := l.seg.WriteAt([]byte{0xff}, l.data()); err != nil {
		t.Fatal(err)
	}
	_, err = l.Get(0)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "UTF-8")
	if err := l.Set(0, []byte("\xff\xfe")); err != nil {
		t.Error(err)
	}
}

func TestListMismatch(t *testing.T) {
	seg := mustCreate(t, 4096)
	for _, words := range [][]int64{{-1}, {1 << 60}, {1000}, {2, 0, 8, 4}, {2, 1, 9, 17}, {1, 0, 1 << 40}} {
		for i, w := range words {
			if err := mmap.Write(seg.Mapping, 8*i, w); err != nil {
				t.Fatal(err)
			}
		}
		_, err := OpenShareableList(seg.Name(), nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch)
	}
	tiny := mustCreate(t, 4)
	if sizeOpened(t, tiny) == 4 {
		_, err := OpenShareableList(tiny.Name(), nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch)
	}
}
