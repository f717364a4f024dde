package mmap

import (
	"math"
	"os"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

type sample struct {
	Count uint64
	Flags uint32
	Kind  [3]int8
	Point struct{ X, Y float32 }
	Wave  [2]complex128
}

func TestReadAndWriteAtAnyOffset(t *testing.T) {
	m := mustMap(t, newFile(t, make([]byte, 4096)), nil)
	want := sample{Count: 1 << 60, Flags: 7, Kind: [3]int8{-1, 0, 1}, Wave: [2]complex128{1 + 2i, 3}}
	want.Point.Y = 2.5
	for _, off := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 1001, 4096 - int(unsafe.Sizeof(want))} {
		if err := Write(m, off, want); err != nil {
			t.Fatal(err)
		}
		if got, err := Read[sample](m, off); got != want || err != nil {
			t.Errorf("offset %d: %+v, %v", off, got, err)
		}
	}
	if err := Write(m, 9, uint32(0x01020304)); err != nil {
		t.Fatal(err)
	}
	if got := m.Bytes()[9:13]; string(got) != "\x04\x03\x02\x01" {
		t.Errorf("not little-endian: %v", got)
	}
}

func TestSliceAndView(t *testing.T) {
	m := mustMap(t, newFile(t, make([]byte, 4096)), nil)
	s, err := Slice[sample](m, 64, 4)
	if err != nil || len(s) != 4 || cap(s) != 4 {
		t.Fatalf("%d samples, capacity %d, %v", len(s), cap(s), err)
	}
	s[1].Flags = 99
	v, err := View[sample](m, 64+int(unsafe.Sizeof(sample{})))
	if err != nil || v.Flags != 99 {
		t.Fatalf("%+v, %v", v, err)
	}
	_, err = Slice[uint64](m, 4, 1)
	ipctest.WantError(t, err, os.ErrInvalid, "offset 4", "uint64", "8")
	_, err = Slice[uint64](m, 0, 513)
	ipctest.WantError(t, err, os.ErrInvalid, "4096")
	_, err = Slice[sample](m, 0, math.MaxInt)
	ipctest.WantError(t, err, os.ErrInvalid)
	// An offset within the file that is not aligned moves what is.
	odd := mustMap(t, newFile(t, make([]byte, 4096)), &Config{Offset: 4})
	_, err = View[uint64](odd, 0)
	ipctest.WantError(t, err, os.ErrInvalid)
	if _, err = View[uint64](odd, 4); err != nil {
		t.Error(err)
	}
}

func TestRefusedTypes(t *testing.T) {
	type inner struct {
		A int32
		B []byte
	}
	type outer struct {
		X int64
		Y [4]inner
	}
	m := mustMap(t, newFile(t, make([]byte, 64)), nil)
	for range 2 {
		_, err := Read[outer](m, 0)
		ipctest.WantError(t, err, os.ErrInvalid, "Y[].B")
		ipctest.WantError(t, Write(m, 0, outer{}), os.ErrInvalid, "Y[].B")
		_, err = View[string](m, 0)
		ipctest.WantError(t, err, os.ErrInvalid, "string")
		_, err = Slice[bool](m, 0, 0)
		ipctest.WantError(t, err, os.ErrInvalid, "uint8")
	}
}

func TestAtomics(t *testing.T) {
	m := mustMap(t, newFile(t, make([]byte, 64)), nil)
	testWord[int32](t, m, 4)
	testWord[uint32](t, m, 12)
	testWord[int64](t, m, 16)
	testWord[uint64](t, m, 24)
	_, err := AtomicLoad[uint32](m, 2)
	ipctest.WantError(t, err, os.ErrInvalid, "aligned")
	_, err = AtomicAdd(m, 4, uint64(1))
	ipctest.WantError(t, err, os.ErrInvalid, "aligned")
}

func testWord[T Word](t *testing.T, m *Mapping, off int) {
	t.Helper()
	if err := AtomicStore(m, off, T(40)); err != nil {
		t.Error(err)
	}
	if v, err := AtomicAdd(m, off, T(3)); v != 43 || err != nil {
		t.Error(v, err)
	}
	if v, err := AtomicAdd(m, off, ^T(0)); v != 42 || err != nil {
		t.Error(v, err)
	}
	if old, err := AtomicSwap(m, off, T(5)); old != 42 || err != nil {
		t.Error(old, err)
	}
	if ok, err := AtomicCompareAndSwap(m, off, T(42), 6); ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := AtomicCompareAndSwap(m, off, T(5), 7); !ok || err != nil {
		t.Error(ok, err)
	}
	if v, err := AtomicLoad[T](m, off); v != 7 || err != nil {
		t.Error(v, err)
	}
}

func TestNoAllocation(t *testing.T) {
	m := mustMap(t, newFile(t, make([]byte, 4096)), nil)
	p := make([]byte, 64)
	s := NewStream(m)
	sum := func(b []byte) error { return nil }
	for name, f := range map[string]func(){
		"Read":       func() { Read[uint64](m, 8) },
		"Read odd":   func() { Read[sample](m, 9) },
		"Write":      func() { Write(m, 8, uint64(1)) },
		"View":       func() { View[sample](m, 64) },
		"Slice":      func() { Slice[uint64](m, 64, 8) },
		"AtomicLoad": func() { AtomicLoad[uint64](m, 64) },
		"AtomicAdd":  func() { AtomicAdd(m, 64, uint32(1)) },
		"ReadAt":     func() { m.ReadAt(p, 0) },
		"WriteAt":    func() { m.WriteAt(p, 0) },
		"Stream":     func() { s.Seek(0, 0); s.Write(p); s.Read(p) },
		"Borrow":     func() { m.Borrow(sum) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// FuzzTypedAccess reads, writes and borrows at random places of a mapping that
// lies between two canaries: no call may touch them.
func FuzzTypedAccess(f *testing.F) {
	f.Add(0, 1, uint8(0), uint64(1))
	f.Add(1000, 1000, uint8(1), uint64(7))
	f.Add(-1, math.MaxInt, uint8(2), uint64(7))
	f.Add(993, 8, uint8(3), uint64(1<<63))
	f.Add(math.MaxInt, math.MaxInt/2, uint8(4), uint64(0))
	const lead, size, tail = 5, 1000, 3091
	file, err := os.CreateTemp(f.TempDir(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { file.Close() })
	around := mustMap(f, file, &Config{Capacity: lead + size + tail})
	m := mustMap(f, file, &Config{Offset: lead, Length: size})
	canaries := around.Bytes()
	f.Fuzz(func(t *testing.T, off, n int, what uint8, v uint64) {
		var err error
		width := 0
		switch what % 8 {
		case 0:
			width, err = 8, Write(m, off, v)
		case 1:
			width, err = 1, Write(m, off, uint8(v))
		case 2:
			width, err = int(unsafe.Sizeof(sample{})), Write(m, off, sample{Count: v})
		case 3:
			_, err = AtomicAdd(m, off, v)
			width = 8
		case 4:
			_, err = AtomicSwap(m, off, uint32(v))
			width = 4
		case 5:
			var s []uint32
			if s, err = Slice[uint32](m, off, n); err == nil {
				if len(s) != n || cap(s) != n {
					t.Fatalf("asked for %d, got %d, capacity %d", n, len(s), cap(s))
				}
				for i := range s {
					s[i] = uint32(v)
				}
				width = 4 * n
			}
		case 6:
			var p *[3]uint16
			if p, err = View[[3]uint16](m, off); err == nil {
				p[0], p[1], p[2] = uint16(v), uint16(v), uint16(v)
			}
			width = 6
		case 7:
			p := make([]byte, uint16(n))
			for i := range p {
				p[i] = byte(v)
			}
			if _, err = m.WriteAt(p, int64(off)); len(p) == 0 {
				return // nothing was written, wherever that is
			}
			width = len(p)
		}
		if err == nil && (off < 0 || off > size || width > size-off) {
			t.Errorf("%d bytes at %d were accepted", width, off)
		}
		for i, b := range canaries {
			if b != 0 && (i < lead || i >= lead+size) {
				t.Fatalf("byte %d, outside the mapping, was written to", i-lead)
			}
		}
	})
}
