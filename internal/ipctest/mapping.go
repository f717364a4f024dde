package ipctest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
)

// Mapping is memory that several processes share, as [TestMapping] uses it.
type Mapping interface {
	io.ReaderAt
	io.WriterAt
	Len() int
	Bytes() []byte
	Borrow(f func(b []byte) error) error
	Flush(off, n int) error
	Lock() error
	Unlock() error
	ReadOnly() bool
	Close() error
}

// Mappings makes memory for one test: at least size bytes, all zero, mapped three
// times, the last time so that it can't be written. The test closes them; whatever
// else there is the factory removes when the test is over.
type Mappings func(t *testing.T, size int) (first, second, readOnly Mapping)

// TestMapping checks what all mappings promise.
func TestMapping(t *testing.T, mapped Mappings) {
	for name, test := range map[string]func(*testing.T, Mappings){
		"shows one memory":           mappingIsShared,
		"ends with its length":       mappingEnds,
		"is read-only":               mappingIsReadOnly,
		"is closed":                  mappingIsClosed,
		"Close waits for Borrow":     mappingCloseWaits,
		"Borrow passes panics on":    mappingPassesPanics,
		"Close during calls":         mappingCloseDuringCalls,
		"Flush and Lock take effect": mappingFlushes,
	} {
		t.Run(name, func(t *testing.T) { test(t, mapped) })
	}
}

func closeMapping(t *testing.T, m Mapping) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Error("Close: ", err)
	}
}

func mappingIsShared(t *testing.T, mapped Mappings) {
	const size = 5000
	first, second, readOnly := mapped(t, size)
	defer closeMapping(t, readOnly)
	defer closeMapping(t, second)
	defer closeMapping(t, first)
	if first.Len() < size || !bytes.Equal(first.Bytes()[:size], make([]byte, size)) {
		t.Fatalf("%d bytes, which are not all zero", first.Len())
	}
	if _, err := first.WriteAt([]byte("through a call"), 100); err != nil {
		t.Fatal(err)
	}
	copy(second.Bytes()[size-9:], "in memory")
	for _, m := range []Mapping{first, second, readOnly} {
		got := make([]byte, 14)
		if _, err := m.ReadAt(got, 100); err != nil || string(got) != "through a call" {
			t.Errorf("read %q, %v", got, err)
		}
		err := m.Borrow(func(b []byte) error {
			if string(b[size-9:size]) != "in memory" {
				return errors.New("what Borrow shows differs")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func mappingEnds(t *testing.T, mapped Mappings) {
	m, second, readOnly := mapped(t, 100)
	defer closeMapping(t, readOnly)
	defer closeMapping(t, second)
	defer closeMapping(t, m)
	end := int64(m.Len())
	if n, err := m.ReadAt(make([]byte, 10), end-4); n != 4 || err != io.EOF {
		t.Errorf("reading across the end: %d, %v", n, err)
	}
	if n, err := m.ReadAt(make([]byte, 1), end); n != 0 || err != io.EOF {
		t.Errorf("reading at the end: %d, %v", n, err)
	}
	if n, err := m.WriteAt(make([]byte, 10), end-4); n != 4 || err == nil {
		t.Errorf("writing across the end: %d, %v", n, err)
	}
	_, err := m.ReadAt(make([]byte, 1), -1)
	WantError(t, err, os.ErrInvalid)
	_, err = m.WriteAt(make([]byte, 1), -1)
	WantError(t, err, os.ErrInvalid)
	WantError(t, m.Flush(int(end), 1), os.ErrInvalid)
	WantError(t, m.Flush(-1, 1), os.ErrInvalid)
}

func mappingIsReadOnly(t *testing.T, mapped Mappings) {
	first, second, m := mapped(t, 4096)
	defer closeMapping(t, m)
	defer closeMapping(t, second)
	defer closeMapping(t, first)
	if !m.ReadOnly() || first.ReadOnly() {
		t.Errorf("read-only: %v and %v", first.ReadOnly(), m.ReadOnly())
	}
	_, err := m.WriteAt([]byte{1}, 0)
	WantError(t, err, os.ErrPermission)
	WantError(t, m.Borrow(func(b []byte) error { b[5] = 1; return nil }), os.ErrPermission, "byte 5")
	if first.Bytes()[0] != 0 || first.Bytes()[5] != 0 {
		t.Error("it was written")
	}
}

func mappingIsClosed(t *testing.T, mapped Mappings) {
	m, second, readOnly := mapped(t, 4096)
	defer closeMapping(t, readOnly)
	defer closeMapping(t, second)
	size := m.Len()
	if _, err := m.WriteAt([]byte("stays"), 7); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		closeMapping(t, m)
	}
	_, err := m.ReadAt(make([]byte, 1), 0)
	WantError(t, err, os.ErrClosed)
	_, err = m.WriteAt(make([]byte, 1), 0)
	WantError(t, err, os.ErrClosed)
	WantError(t, m.Borrow(func([]byte) error { return nil }), os.ErrClosed)
	WantError(t, m.Flush(0, 1), os.ErrClosed)
	WantError(t, m.Lock(), os.ErrClosed)
	WantError(t, m.Unlock(), os.ErrClosed)
	if m.Bytes() != nil || m.Len() != size {
		t.Errorf("after Close %d bytes, and Len %d", len(m.Bytes()), m.Len())
	}
	if got := string(second.Bytes()[7:12]); got != "stays" {
		t.Errorf("the other mapping shows %q", got)
	}
}

func mappingCloseWaits(t *testing.T, mapped Mappings) {
	m, second, readOnly := mapped(t, 4096)
	defer closeMapping(t, readOnly)
	defer closeMapping(t, second)
	inside, release := make(chan bool), make(chan bool)
	borrowed := make(chan error, 1)
	go func() {
		borrowed <- m.Borrow(func(b []byte) error {
			close(inside)
			<-release
			b[0] = 1
			return nil
		})
	}()
	<-inside
	closed := make(chan error, 2)
	for range 2 {
		go func() { closed <- m.Close() }()
	}
	// Close has begun when Borrow is refused.
	for m.Borrow(func([]byte) error { return nil }) == nil {
		runtime.Gosched()
	}
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	close(release)
	for range 2 {
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
	if err := <-borrowed; err != nil || second.Bytes()[0] != 1 {
		t.Errorf("Borrow: %v, and the byte is %d", err, second.Bytes()[0])
	}
}

func mappingPassesPanics(t *testing.T, mapped Mappings) {
	m, second, readOnly := mapped(t, 4096)
	defer closeMapping(t, readOnly)
	defer closeMapping(t, second)
	for name, f := range map[string]func([]byte) error{
		"a panic":     func([]byte) error { panic("mine") },
		"nil":         func([]byte) error { return *(*error)(nil) },
		"a bad index": func(b []byte) error { _ = b[len(b)]; return nil },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was swallowed", name)
				}
			}()
			t.Errorf("%s was returned: %v", name, m.Borrow(f))
		}()
	}
	closeMapping(t, m) // it would wait for ever if Borrow had not left
}

// mappingCloseDuringCalls closes a mapping while calls are in progress: each
// succeeds with the right bytes or fails with os.ErrClosed.
func mappingCloseDuringCalls(t *testing.T, mapped Mappings) {
	const size = 1 << 14
	m, second, readOnly := mapped(t, size)
	defer closeMapping(t, readOnly)
	defer closeMapping(t, second)
	full := []byte(strings.Repeat("\xa5", size))
	copy(m.Bytes(), full)
	const workers = 4
	started, ended := make(chan bool, workers), make(chan error, workers)
	for worker := range workers {
		go func() {
			b := make([]byte, 16)
			started <- true
			for i := worker; ; i++ {
				off := int64(i * 16 % size)
				var err error
				if worker%2 == 0 {
					if _, err = m.ReadAt(b, off); err == nil && !bytes.Equal(b, full[:16]) {
						err = errors.New("it read other bytes")
					}
				} else {
					_, err = m.WriteAt(full[:16], off)
				}
				if err != nil {
					ended <- err
					return
				}
			}
		}()
	}
	for range workers {
		<-started
	}
	closeMapping(t, m)
	for range workers {
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
	if !bytes.Equal(second.Bytes()[:size], full) {
		t.Error("the memory holds other bytes")
	}
}

func mappingFlushes(t *testing.T, mapped Mappings) {
	m, second, readOnly := mapped(t, 10_000)
	defer closeMapping(t, readOnly)
	defer closeMapping(t, second)
	defer closeMapping(t, m)
	for _, m := range []Mapping{m, readOnly} {
		for _, r := range [][2]int{{0, 0}, {0, m.Len()}, {4097, 5}, {m.Len(), 0}} {
			if err := m.Flush(r[0], r[1]); err != nil {
				t.Errorf("Flush(%d, %d): %v", r[0], r[1], err)
			}
		}
	}
	if err := m.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := m.Unlock(); err != nil {
		t.Error(err)
	}
}
