package dotnet

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, new(BinaryReader), new(BinaryWriter))
}

// refusing is a writer that fails.
type refusing struct{ err error }

func (r refusing) Write([]byte) (int, error) { return 0, r.err }

func TestRoundTrip(t *testing.T) {
	var written bytes.Buffer
	long := strings.Repeat("é", 200)
	w := NewBinaryWriter(&written)
	if err := w.Write(true, int8(-1), uint8(2), int16(-3), uint16(4), int32(-5), uint32(6), int64(-7), uint64(8),
		float32(1.5), math.Pi, "", "text", long, []byte("raw")); err != nil {
		t.Fatal(err)
	}
	want := "\x01\xff\x02\xfd\xff\x04\x00\xfb\xff\xff\xff\x06\x00\x00\x00"
	if got := written.Bytes()[:len(want)]; string(got) != want {
		t.Errorf("bytes %x, want %x", got, want)
	}
	var (
		b   bool
		i8  int8
		u8  uint8
		i16 int16
		u16 uint16
		i32 int32
		u32 uint32
		i64 int64
		u64 uint64
		f32 float32
		f64 float64
		s   [3]string
		raw [3]byte
	)
	r := NewBinaryReader(&written)
	if err := r.Read(&b, &i8, &u8, &i16, &u16, &i32, &u32, &i64, &u64, &f32, &f64, &s[0], &s[1], &s[2], raw[:]); err != nil {
		t.Fatal(err)
	}
	if !b || i8 != -1 || u8 != 2 || i16 != -3 || u16 != 4 || i32 != -5 || u32 != 6 || i64 != -7 || u64 != 8 ||
		f32 != 1.5 || f64 != math.Pi || s != [3]string{"", "text", long} || string(raw[:]) != "raw" {
		t.Error(b, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, s, raw)
	}
	ipctest.WantError(t, w.Write(7), os.ErrInvalid, "int")
	ipctest.WantError(t, r.Read(new(int)), os.ErrInvalid, "*int")
	ipctest.WantError(t, r.Read((*string)(nil)), os.ErrInvalid, "nil")
	below := errors.New("the writer below")
	if err := NewBinaryWriter(refusing{below}).Write("text"); err != below {
		t.Errorf("%v, want %v", err, below)
	}
}

func TestReaderOnBadData(t *testing.T) {
	var s string
	for _, c := range []struct {
		in   string
		want error
	}{
		{"", io.EOF},
		{"\x03ab", io.ErrUnexpectedEOF},
		{"\x80", io.ErrUnexpectedEOF},
		{"\xff\xff\xff\xff\x07only this", io.ErrUnexpectedEOF}, // 2 GiB announced
		{"\xff\xff\xff\xff\x0f", breezeway.ErrMismatch},        // -1
		{"\x80\x80\x80\x80\x80\x01", breezeway.ErrMismatch},
	} {
		if err := NewBinaryReader(strings.NewReader(c.in)).Read(&s); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.in, err, c.want)
		}
	}
	if err := NewBinaryReader(strings.NewReader("abc")).Read(new(int32)); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
}

// Text that is cut in mid-character is an error, and no string that is not UTF-8.
func TestStringsAreUTF8(t *testing.T) {
	s := "before"
	for _, in := range []string{"\x03a\xc3\xbc", "\x02a\xc3", "\x01\xff"} {
		err := NewBinaryReader(strings.NewReader(in)).Read(&s)
		if in[0] == 3 {
			if s != "aü" || err != nil {
				t.Errorf("%q: %q, %v", in, s, err)
			}
			continue
		}
		ipctest.WantError(t, err, breezeway.ErrMismatch, "UTF-8")
		if s != "aü" {
			t.Errorf("%q: the string became %q", in, s)
		}
	}
	var written bytes.Buffer
	ipctest.WantError(t, NewBinaryWriter(&written).Write("a\xc3"), os.ErrInvalid, "UTF-8", "[]byte")
	if written.Len() != 0 {
		t.Errorf("%q was written", written.Bytes())
	}
}

func FuzzBinaryReader(f *testing.F) {
	f.Add([]byte("\x04text\x01\x02\x03\x04"))
	f.Add([]byte("\xff\xff\xff\xff\x07"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var s string
		r := bytes.NewReader(in)
		if err := NewBinaryReader(r).Read(&s); err == nil {
			var b bytes.Buffer
			if err := NewBinaryWriter(&b).Write(s); err != nil {
				t.Fatal(err)
			}
			// A longer form of the same length is read too, but never written.
			if used := len(in) - r.Len(); b.Len() > used {
				t.Errorf("%d bytes written, %d read", b.Len(), used)
			}
		} else if len(s) != 0 {
			t.Error("a string in spite of", err)
		}
	})
}
