//go:build unix

package mmap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// truncater truncates the file Args[0] when told to.
var truncater = ipctest.Helper("truncater", func(c *ipctest.Control) error {
	c.Say("ready")
	c.Hear()
	if err := os.Truncate(c.Args[0], 0); err != nil {
		return err
	}
	c.Say("truncated")
	return nil
})

func TestTruncatedByAnotherProcess(t *testing.T) {
	for name, cfg := range map[string]*Config{
		"shared": nil, "copy-on-write": {CopyOnWrite: true}, "offset": {Offset: 16},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t, pattern(3*4096))
			m := mustMap(t, f, cfg)
			p := ipctest.Start(t, truncater, f.Name())
			p.Expect("ready")
			for name, err := range every(m) {
				if err != nil {
					t.Errorf("%s before: %v", name, err)
				}
			}
			// In the middle of a Borrow.
			err := m.Borrow(func(b []byte) error {
				sum := 0
				for _, v := range b {
					sum += int(v)
				}
				p.Say("now")
				p.Expect("truncated")
				for _, v := range b {
					sum += int(v)
				}
				return fmt.Errorf("still there, %d", sum)
			})
			ipctest.WantError(t, err, io.ErrUnexpectedEOF, "truncated", "byte 0")
			for name, err := range every(m) {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: %v, want io.ErrUnexpectedEOF", name, err)
				}
				if err != nil && !strings.Contains(err.Error(), "truncated") {
					t.Errorf("%s: %v doesn't say what happened", name, err)
				}
			}
			// Grown again, the same mapping works again.
			if err := os.Truncate(f.Name(), 3*4096); err != nil {
				t.Fatal(err)
			}
			if v, err := Read[uint64](m, 4096); v != 0 || err != nil {
				t.Error(v, err)
			}
		})
	}
}

func TestReadOnlyTruncated(t *testing.T) {
	f := newFile(t, pattern(4096))
	m := mustMap(t, f, &Config{ReadOnly: true})
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	_, err := Read[byte](m, 7)
	ipctest.WantError(t, err, io.ErrUnexpectedEOF, "byte 7", "truncated")
	ipctest.WantError(t, m.Borrow(func(b []byte) error { b[0] = 1; return nil }), io.ErrUnexpectedEOF)
}

// A fault elsewhere is none of ours, even inside Borrow.
func TestFaultElsewhereGoesOn(t *testing.T) {
	other := newFile(t, pattern(4096))
	elsewhere := mustMap(t, other, nil)
	raw := elsewhere.Bytes()
	if err := other.Truncate(0); err != nil {
		t.Fatal(err)
	}
	m := mustMap(t, newFile(t, pattern(4096)), nil)
	defer func() {
		r := recover()
		fault, ok := r.(interface{ Addr() uintptr })
		if !ok || fault.Addr() != uintptr(unsafe.Pointer(&raw[0])) {
			t.Errorf("recovered %v", r)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	err := m.Borrow(func(b []byte) error {
		b[0] = raw[0]
		return nil
	})
	t.Errorf("returned %v", err)
}

// TestStragglers touches a closed mapping's slice: with the Mapping still
// referenced, it finds private zeros.
func TestStragglers(t *testing.T) {
	f := newFile(t, pattern(8192))
	m := mustMap(t, f, nil)
	b := m.Bytes()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	b[0]++
	b[8191]++
	if b[0] != 1 || b[8191] != 1 || b[100] != 0 {
		t.Error("the file is still there")
	}
	if got, _ := os.ReadFile(f.Name()); string(got) != string(pattern(8192)) {
		t.Error("the file was written to")
	}
	if m.Len() != len(b) { // keeps m reachable
		t.Error("length")
	}
}

func TestCapacityBeyondTheDisk(t *testing.T) {
	f := newFile(t, []byte("x"))
	_, err := Map(f, &Config{Capacity: 1 << 55})
	if err == nil {
		t.Fatal("32 PiB were reserved")
	}
	if info, _ := f.Stat(); info.Size() != 1 {
		t.Errorf("after %v the file has %d bytes", err, info.Size())
	}
}
