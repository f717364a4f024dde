package mmap

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// newFile returns a file with the given content, open for reading and writing.
func newFile(t testing.TB, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func mustMap(t testing.TB, f *os.File, cfg *Config) *Mapping {
	t.Helper()
	m, err := Map(f, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// pattern returns n bytes of which no 251 in a row repeat.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func TestAnyOffset(t *testing.T) {
	content := pattern(200_000)
	f := newFile(t, content)
	for _, off := range []int64{0, 1, 4095, 4096, 65535, 65536, 65537, 199_999, 200_000} {
		m := mustMap(t, f, &Config{Offset: off})
		if !bytes.Equal(m.Bytes(), content[off:]) {
			t.Errorf("offset %d shows other bytes", off)
		}
		if m.Len() != len(content)-int(off) {
			t.Errorf("offset %d: length %d", off, m.Len())
		}
	}
	m := mustMap(t, f, &Config{Offset: 70_001, Length: 3})
	if !bytes.Equal(m.Bytes(), content[70_001:70_004]) || cap(m.Bytes()) != 3 {
		t.Errorf("three bytes: %v, capacity %d", m.Bytes(), cap(m.Bytes()))
	}
}

func TestBounds(t *testing.T) {
	f := newFile(t, pattern(100))
	for _, c := range []Config{
		{Offset: 101},
		{Offset: 1, Length: 100},
		{Length: 101},
		{Offset: 1 << 62, Length: 1 << 62},
		{Offset: -1},
		{Length: -1},
		{Capacity: -1},
		{Capacity: 50},
		{ReadOnly: true, CopyOnWrite: true},
		{Advice: 17},
		{Advice: DontNeed, CopyOnWrite: true},
	} {
		m, err := Map(f, &c)
		ipctest.WantError(t, err, os.ErrInvalid)
		if m != nil {
			t.Errorf("%+v was mapped", c)
		}
	}
	_, err := Map(f, &Config{Capacity: 50})
	ipctest.WantError(t, err, os.ErrInvalid, "Capacity 50", "100")

	m := mustMap(t, f, nil)
	for _, r := range [][2]int{{-1, 0}, {0, -1}, {101, 0}, {0, 101}, {99, 2}, {math.MaxInt, math.MaxInt}} {
		ipctest.WantError(t, m.Flush(r[0], r[1]), os.ErrInvalid, "100")
		ipctest.WantError(t, m.Advise(r[0], r[1], Normal), os.ErrInvalid)
		_, err := Slice[byte](m, r[0], r[1])
		ipctest.WantError(t, err, os.ErrInvalid)
	}
	_, err = Read[uint32](m, 97)
	ipctest.WantError(t, err, os.ErrInvalid, "offset 97")
	ipctest.WantError(t, Write(m, 97, uint32(1)), os.ErrInvalid)
	_, err = View[uint32](m, 100)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = AtomicLoad[uint64](m, 96)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = m.ReadAt(nil, -1)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = m.WriteAt(nil, -1)
	ipctest.WantError(t, err, os.ErrInvalid)
}

func TestEmptyViewAtTheEnd(t *testing.T) {
	f := newFile(t, pattern(64))
	m := mustMap(t, f, nil)
	s, err := Slice[uint64](m, 64, 0)
	if err != nil || s == nil || len(s) != 0 {
		t.Errorf("slice at the end: %v, %v", s, err)
	}
	if err := m.Flush(64, 0); err != nil {
		t.Error(err)
	}
	end := mustMap(t, f, &Config{Offset: 64})
	if end.Len() != 0 || end.Bytes() == nil {
		t.Errorf("mapping at the end: %d bytes, %v", end.Len(), end.Bytes())
	}
	if err := end.Borrow(func(b []byte) error { return nil }); err != nil {
		t.Error(err)
	}
	empty := mustMap(t, newFile(t, nil), nil)
	if n, err := empty.ReadAt(make([]byte, 1), 0); n != 0 || err != io.EOF {
		t.Errorf("reading an empty mapping: %d, %v", n, err)
	}
	ipctest.WantError(t, Write(empty, 0, byte(1)), os.ErrInvalid)
}

func TestGrow(t *testing.T) {
	f := newFile(t, []byte("head"))
	m := mustMap(t, f, &Config{Capacity: 100_001})
	if m.Len() != 100_001 {
		t.Fatalf("length %d", m.Len())
	}
	if err := Write(m, 100_000, byte(9)); err != nil {
		t.Fatal(err)
	}
	if err := m.Flush(100_000, 1); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.Name())
	if err != nil || len(got) != 100_001 || string(got[:4]) != "head" || got[4] != 0 || got[100_000] != 9 {
		t.Fatalf("file has %d bytes, %v", len(got), err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 100_001 {
		t.Errorf("after Close the file has %d bytes", info.Size())
	}
}

func TestReadOnly(t *testing.T) {
	path := newFile(t, pattern(64)).Name()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = Map(f, nil)
	ipctest.WantError(t, err, os.ErrPermission, "os.O_RDWR")
	for _, c := range []Config{{ReadOnly: true, Capacity: 128}, {CopyOnWrite: true, Capacity: 128}} {
		_, err = Map(f, &c)
		ipctest.WantError(t, err, os.ErrPermission, "128")
	}
	m := mustMap(t, f, &Config{ReadOnly: true})
	if !m.ReadOnly() {
		t.Error("not read-only")
	}
	if v, err := Read[byte](m, 63); v != 63 || err != nil {
		t.Errorf("read %d, %v", v, err)
	}
	if v, err := AtomicLoad[uint32](m, 0); v != 0x03020100 || err != nil {
		t.Errorf("atomic load %#x, %v", v, err)
	}
	ipctest.WantError(t, Write(m, 0, byte(1)), os.ErrPermission)
	ipctest.WantError(t, AtomicStore(m, 0, uint32(1)), os.ErrPermission)
	_, err = AtomicAdd(m, 0, uint32(1))
	ipctest.WantError(t, err, os.ErrPermission)
	_, err = AtomicSwap(m, 0, uint64(1))
	ipctest.WantError(t, err, os.ErrPermission)
	_, err = AtomicCompareAndSwap(m, 0, uint64(0), 1)
	ipctest.WantError(t, err, os.ErrPermission)
	_, err = m.WriteAt([]byte{1}, 0)
	ipctest.WantError(t, err, os.ErrPermission)
	_, err = NewStream(m).Write([]byte{1})
	ipctest.WantError(t, err, os.ErrPermission)
	ipctest.WantError(t, m.Borrow(func(b []byte) error { b[5] = 1; return nil }), os.ErrPermission, "byte 5", "read-only")
	if err := m.Flush(0, 64); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, pattern(64)) {
		t.Error("the file was written to")
	}
}

func TestCopyOnWrite(t *testing.T) {
	f := newFile(t, pattern(64))
	ro, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	m := mustMap(t, ro, &Config{CopyOnWrite: true})
	if err := Write(m, 0, uint64(1<<40)); err != nil {
		t.Fatal(err)
	}
	if v, _ := Read[uint64](m, 0); v != 1<<40 {
		t.Errorf("read %d", v)
	}
	if err := m.Flush(0, 64); err != nil {
		t.Error(err)
	}
	ipctest.WantError(t, m.Advise(0, 64, DontNeed), os.ErrInvalid)
	if v, _ := Read[uint64](m, 0); v != 1<<40 {
		t.Error("the copy is lost")
	}
	shared := mustMap(t, f, nil)
	if !bytes.Equal(shared.Bytes(), pattern(64)) {
		t.Error("the file was written to")
	}
}

func TestNotAFile(t *testing.T) {
	d, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = Map(d, nil)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = Map(nil, nil)
	ipctest.WantError(t, err, os.ErrInvalid)
	f := newFile(t, pattern(1))
	f.Close()
	_, err = Map(f, nil)
	ipctest.WantError(t, err, os.ErrClosed)
}

// every calls each accessor and function that touches m's memory or needs it.
func every(m *Mapping) map[string]error {
	_, read := Read[uint64](m, 0)
	_, readOdd := Read[[24]byte](m, 1)
	_, load := AtomicLoad[uint32](m, 0)
	_, add := AtomicAdd(m, 0, int64(1))
	_, swap := AtomicSwap(m, 0, int32(1))
	_, cas := AtomicCompareAndSwap(m, 0, uint64(1), 2)
	_, readAt := m.ReadAt(make([]byte, 8), 0)
	_, writeAt := m.WriteAt(make([]byte, 8), 0)
	_, streamRead := NewStream(m).Read(make([]byte, 8))
	_, streamWrite := NewStream(m).Write(make([]byte, 8))
	return map[string]error{
		"Read": read, "Read unaligned": readOdd, "Write": Write(m, 0, int32(1)),
		"AtomicLoad": load, "AtomicStore": AtomicStore(m, 8, uint64(1)), "AtomicAdd": add,
		"AtomicSwap": swap, "AtomicCompareAndSwap": cas,
		"ReadAt": readAt, "WriteAt": writeAt, "Stream.Read": streamRead, "Stream.Write": streamWrite,
		"Borrow": m.Borrow(func(b []byte) error { b[0]++; return nil }),
		"Borrow and Slice": m.Borrow(func(b []byte) error {
			s, err := Slice[uint32](m, 0, 4)
			if err == nil {
				s[3]++
			}
			return err
		}),
	}
}

func TestUseAfterClose(t *testing.T) {
	m := mustMap(t, newFile(t, pattern(8192)), nil)
	for name, err := range every(m) {
		if err != nil {
			t.Errorf("%s before Close: %v", name, err)
		}
	}
	for range 3 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	errs := every(m)
	_, errs["View"] = View[uint64](m, 0)
	_, errs["Slice"] = Slice[uint64](m, 0, 1)
	errs["Flush"] = m.Flush(0, 1)
	errs["Advise"] = m.Advise(0, 1, Normal)
	errs["Lock"] = m.Lock()
	errs["Unlock"] = m.Unlock()
	for name, err := range errs {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s after Close: %v, want os.ErrClosed", name, err)
		}
	}
	if m.Bytes() != nil {
		t.Error("Bytes after Close")
	}
	if m.Len() != 8192 {
		t.Error("Len after Close")
	}
}

func TestWriteToReadOnlyAfterClose(t *testing.T) {
	m := mustMap(t, newFile(t, pattern(64)), &Config{ReadOnly: true})
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first call checks the type
		for name, err := range every(m) {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s after Close: %v, want os.ErrClosed", name, err)
			}
		}
	}
}

// TestCloseDuringCalls closes mappings while accessors hammer them: each call
// either succeeds with the right value or is os.ErrClosed.
func TestCloseDuringCalls(t *testing.T) {
	f := newFile(t, bytes.Repeat([]byte{0xa5}, 1<<16))
	const rounds = 20
	for range rounds {
		m := mustMap(t, f, nil)
		var started sync.WaitGroup
		var done sync.WaitGroup
		for worker := range 4 {
			started.Add(1)
			done.Go(func() {
				var once sync.Once
				for i := worker; ; i++ {
					once.Do(started.Done)
					off := i * 8 % (1 << 16)
					if worker%2 == 0 {
						v, err := Read[uint64](m, off)
						if err == nil && v == 0xa5a5a5a5a5a5a5a5 {
							continue
						}
						if !errors.Is(err, os.ErrClosed) {
							t.Errorf("read %#x, %v", v, err)
						}
						return
					}
					if err := Write(m, off, uint64(0xa5a5a5a5a5a5a5a5)); err != nil {
						if !errors.Is(err, os.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		started.Wait()
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		done.Wait()
	}
	if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, bytes.Repeat([]byte{0xa5}, 1<<16)) {
		t.Error("the file holds something else")
	}
}

// TestCollectorNeverUnmaps drops every reference to a mapping but a slice.
func TestCollectorNeverUnmaps(t *testing.T) {
	f := newFile(t, pattern(1<<20))
	m, err := Map(f, &Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bytes()
	gone := make(chan bool)
	runtime.AddCleanup(m, func(struct{}) { close(gone) }, struct{}{})
	m = nil
	deadline := time.After(ipctest.Patience)
	for collected := false; !collected; {
		runtime.GC()
		select {
		case <-gone:
			collected = true
		case <-deadline:
			t.Fatal("the Mapping was not collected")
		default:
		}
	}
	for range 3 { // cleanups of the same object may run in any order
		runtime.GC()
	}
	if !bytes.Equal(b, pattern(1<<20)) {
		t.Error("the memory changed")
	}
	unmap(b) // whole: it begins at offset 0
}

func TestPopulateAndAdvice(t *testing.T) {
	f := newFile(t, pattern(1<<20))
	m := mustMap(t, f, &Config{Populate: true, Offset: 5000})
	if !bytes.Equal(m.Bytes(), pattern(1 << 20)[5000:]) {
		t.Error("other bytes")
	}
	for _, a := range []Advice{Normal, Sequential, Random, WillNeed, DontNeed} {
		err := m.Advise(3, 70_000, a)
		if runtime.GOOS == "windows" && a != Normal {
			ipctest.WantError(t, err, errors.ErrUnsupported)
		} else if err != nil {
			t.Errorf("%v: %v", a, err)
		}
	}
	m2, err := Map(f, &Config{Advice: Sequential})
	if runtime.GOOS == "windows" {
		ipctest.WantError(t, err, errors.ErrUnsupported)
	} else if err != nil {
		t.Error(err)
	} else {
		m2.Close()
	}
	if !bytes.Equal(m.Bytes(), pattern(1 << 20)[5000:]) {
		t.Error("other bytes after advice")
	}
}

func TestLock(t *testing.T) {
	m := mustMap(t, newFile(t, pattern(8192)), &Config{Offset: 100})
	if err := m.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := m.Unlock(); err != nil {
		t.Fatal(err)
	}
}

// halves writes to the file Args[0] and reads what the test wrote.
var halves = ipctest.Helper("other half", func(c *ipctest.Control) error {
	f, err := os.OpenFile(c.Args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := Map(f, &Config{Offset: 5})
	if err != nil {
		return err
	}
	defer m.Close()
	ready, err := View[atomic.Uint32](m, 3)
	if err != nil {
		return err
	}
	if _, err := m.WriteAt([]byte("from the helper"), 100); err != nil {
		return err
	}
	ready.Store(1)
	c.Say("written")
	c.Hear()
	b := make([]byte, 13)
	if _, err := m.ReadAt(b, 200); err != nil {
		return err
	}
	c.Say("%s", b)
	return nil
})

func TestTwoProcesses(t *testing.T) {
	f := newFile(t, nil)
	m := mustMap(t, f, &Config{Capacity: 4096})
	p := ipctest.Start(t, halves, f.Name())
	p.Expect("written")
	if v, err := AtomicLoad[uint32](m, 8); v != 1 || err != nil {
		t.Errorf("the word is %d, %v", v, err)
	}
	b := make([]byte, 15)
	if _, err := m.ReadAt(b, 105); err != nil || string(b) != "from the helper" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := m.WriteAt([]byte("from the test"), 205); err != nil {
		t.Fatal(err)
	}
	p.Say("go on")
	p.Expect("from the test")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestOffsetAndFixed(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(300); err != nil {
		t.Fatal(err)
	}
	m, err := Map(f, &Config{Offset: 100, Length: 50})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Offset() != 100 {
		t.Errorf("offset %d", m.Offset())
	}
	if m.Fixed() && runtime.GOOS == "linux" {
		t.Error("a file that anybody can truncate is fixed")
	}
}

func TestConformance(t *testing.T) {
	for name, offset := range map[string]int64{"whole file": 0, "from an odd offset on": 65_537} {
		t.Run(name, func(t *testing.T) {
			ipctest.TestMapping(t, func(t *testing.T, size int) (first, second, readOnly ipctest.Mapping) {
				f := newFile(t, make([]byte, int(offset)+size))
				var all [3]*Mapping
				for i := range all {
					var err error
					if all[i], err = Map(f, &Config{Offset: offset, ReadOnly: i == 2}); err != nil {
						t.Fatal(err)
					}
				}
				return all[0], all[1], all[2]
			})
		})
	}
}

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, new(Mapping), new(Stream), Normal)
	var none *Mapping
	for name, err := range every(none) {
		if !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s of nil: %v, want os.ErrInvalid", name, err)
		}
	}
	_, err := View[uint64](none, 0)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = Slice[uint64](new(Mapping), 0, 0)
	ipctest.WantError(t, err, os.ErrInvalid, "mmap.Map")
}
