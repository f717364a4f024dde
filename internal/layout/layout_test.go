package layout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

type pair struct{ A, B int16 }

type sample struct {
	Count uint64
	Point struct{ X, Y float32 }
	Pairs [4]pair
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		of   any
		want string
	}{
		{sample{}, "size 32\n0 uint64 Count\n8 float32 Point.X\n12 float32 Point.Y\n16 int16 Pairs[4:4].A\n18 int16 Pairs[4:4].B\n"},
		{uint32(0), "size 4\n0 uint32 .\n"},
		{[3][2]int{}, "size 48\n0 int64 [3:16][2:8]\n"},
	} {
		if got := Describe(reflect.TypeOf(c.of)); got != c.want {
			t.Errorf("%T: %q, want %q", c.of, got, c.want)
		}
	}
}

func headerOf(of any) *Header {
	t := reflect.TypeOf(of)
	return &Header{Kind: "test", Version: 3, Reader: 1, Writer: 2, Type: Describe(t), Payload: int64(t.Size())}
}

// object returns the bytes of an object with h.
func object(t testing.TB, h *Header) []byte {
	b, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != h.Size() || len(b)%64 != 0 {
		t.Fatalf("%d bytes of header, Size is %d", len(b), h.Size())
	}
	return append(b, make([]byte, h.Payload)...)
}

func check(h *Header, b []byte, writes bool) error {
	found, err := Read(bytes.NewReader(b), int64(len(b)))
	if err == nil {
		err = h.Accept(found, writes)
	}
	if err == nil {
		err = h.AcceptSize(found)
	}
	return err
}

func TestMismatchSaysWhatDiffers(t *testing.T) {
	h := headerOf(sample{})
	good := object(t, h)
	if err := check(h, good, true); err != nil {
		t.Fatal(err)
	}
	changed := func(at int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], v)
		return b
	}
	other := func(of any) []byte { return object(t, headerOf(of)) }
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{nil, "less than a header"},
		{good[:63], "less than a header"},
		{good[:70], "cut off"},
		{good[:len(good)-1], "begin at"},
		{changed(0, 'x'), "does not begin"},
		{changed(8, 'k'), `kind "kest"`},
		{changed(16, 9, 0, 1, 0, 4, 0), "must know version 4 to write it; this one knows 3"},
		{changed(24, 1), "begin at"},
		{changed(28, 0xff, 0xff, 0xff, 0xff), "description has 4294967295 bytes"},
		{changed(32, 1), "1 bytes, not 32"},
		{changed(39, 0xff), "begin at"},
		{changed(40, 1, 2, 3, 4), "fingerprint"},
		{other(struct {
			Count uint32
			Point struct{ X, Y float32 }
			Pairs [4]pair
		}{}), "field Count is uint32 at byte 0 there and uint64 at byte 0 here (size 28 there, size 32 here)"},
		{other(struct {
			Count uint64
			Point struct{ Y, X float32 }
			Pairs [4]pair
		}{}), "field Point.Y, float32 at byte 8, stands there where here is field Point.X, float32 at byte 8"},
		{other(struct{ Count uint64 }{}), "field Point.X is float32 at byte 8 here and missing there"},
		{other(struct {
			Count uint64
			Point struct{ X, Y float32 }
			Pairs [4]pair
			More  uint8
		}{}), "field More is uint8 at byte 32 there and missing here"},
		{other(struct {
			Count uint64
			Point struct{ X, Y float32 }
			Pairs [2]pair
			_     [0]uint64
		}{}), "field Pairs[2:4].A"},
	} {
		err := check(h, c.b, true)
		if !errors.Is(err, breezeway.ErrMismatch) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v doesn't say %q", err, c.want)
		}
	}
	// Reading is allowed where writing is not.
	newer := changed(16, 9, 0, 1, 0, 4, 0)
	if err := check(h, newer, false); err != nil {
		t.Error(err)
	}
	// A hostile description is quoted.
	hostile := headerOf(sample{})
	hostile.Type = "size 32\n0 uint64 \x1b[2J" + strings.Repeat("x", 1000)
	if err := check(h, object(t, hostile), true); err == nil || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 500 {
		t.Errorf("%q", err)
	}
}

func TestTooManyFields(t *testing.T) {
	h := headerOf(sample{})
	h.Type = strings.Repeat("x", maxType+1)
	if _, err := h.Encode(); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Error(err)
	}
}

func FuzzHeader(f *testing.F) {
	h := headerOf(sample{})
	good := object(f, h)
	f.Add(good)
	f.Add(good[:64])
	f.Add(object(f, headerOf(uint16(0))))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := check(h, b, true)
		if err != nil {
			if !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%v", err)
			}
			return
		}
		// What is accepted has our payload, where we look for it.
		if int64(len(b)) < h.Total() || int64(binary.LittleEndian.Uint32(b[24:])) != h.Size() {
			t.Errorf("%d bytes were accepted", len(b))
		}
	})
}

func TestOtherMachinesAreRefused(t *testing.T) {
	if err := checkMachine(64, binary.LittleEndian); err != nil {
		t.Error(err)
	}
	for _, err := range []error{checkMachine(64, binary.BigEndian), checkMachine(32, binary.LittleEndian)} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
}
