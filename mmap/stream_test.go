package mmap

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/breezeway-ipc/breezeway"
)

var (
	_ io.ReadWriteSeeker = (*Stream)(nil)
	_ io.ReaderAt        = (*Stream)(nil)
	_ io.WriterAt        = (*Stream)(nil)
	_ io.ReaderAt        = (*Mapping)(nil)
	_ io.WriterAt        = (*Mapping)(nil)
)

func TestStreamReads(t *testing.T) {
	content := pattern(10_000)
	m := mustMap(t, newFile(t, content), nil)
	if err := iotest.TestReader(NewStream(m), content); err != nil {
		t.Error(err)
	}
	if err := iotest.TestReader(io.NewSectionReader(m, 100, 200), content[100:300]); err != nil {
		t.Error(err)
	}
}

func TestStreamStopsAtCapacity(t *testing.T) {
	m := mustMap(t, newFile(t, make([]byte, 10)), nil)
	s := NewStream(m)
	if n, err := io.WriteString(s, "1234567"); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	n, err := io.WriteString(s, "890abc")
	if n != 3 {
		t.Errorf("%d bytes written", n)
	}
	wantError(t, err, breezeway.ErrTooLarge, "6 bytes", "offset 7", "capacity of 10", "3 were written")
	if string(m.Bytes()) != "1234567890" {
		t.Errorf("%q", m.Bytes())
	}
	if n, err := s.Write(nil); n != 0 || err != nil {
		t.Error("an empty write at the end:", n, err)
	}
	n, err = s.Write([]byte("x"))
	if n != 0 {
		t.Errorf("%d bytes written at the end", n)
	}
	wantError(t, err, breezeway.ErrTooLarge)
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error("reading at the end:", n, err)
	}
	if pos, err := s.Seek(-4, io.SeekEnd); pos != 6 || err != nil {
		t.Error(pos, err)
	}
	if b, err := io.ReadAll(s); string(b) != "7890" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if pos, err := s.Seek(1<<40, io.SeekCurrent); pos != 1<<40+10 || err != nil {
		t.Error(pos, err)
	}
	if _, err := s.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	_, err = s.Write([]byte("x"))
	wantError(t, err, breezeway.ErrTooLarge)
	_, err = s.Seek(-1, io.SeekStart)
	wantError(t, err, os.ErrInvalid)
	_, err = s.Seek(0, 9)
	wantError(t, err, os.ErrInvalid)
}

func TestBinaryRoundTrip(t *testing.T) {
	m := mustMap(t, newFile(t, make([]byte, 4096)), nil)
	long := strings.Repeat("é", 200)
	w := NewBinaryWriter(NewStream(m))
	if err := w.Write(true, int8(-1), uint8(2), int16(-3), uint16(4), int32(-5), uint32(6), int64(-7), uint64(8),
		float32(1.5), math.Pi, "", "text", long, []byte("raw")); err != nil {
		t.Fatal(err)
	}
	want := "\x01\xff\x02\xfd\xff\x04\x00\xfb\xff\xff\xff\x06\x00\x00\x00"
	if got := m.Bytes()[:len(want)]; string(got) != want {
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
	r := NewBinaryReader(NewStream(m))
	if err := r.Read(&b, &i8, &u8, &i16, &u16, &i32, &u32, &i64, &u64, &f32, &f64, &s[0], &s[1], &s[2], raw[:]); err != nil {
		t.Fatal(err)
	}
	if !b || i8 != -1 || u8 != 2 || i16 != -3 || u16 != 4 || i32 != -5 || u32 != 6 || i64 != -7 || u64 != 8 ||
		f32 != 1.5 || f64 != math.Pi || s != [3]string{"", "text", long} || string(raw[:]) != "raw" {
		t.Error(b, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, s, raw)
	}
	wantError(t, w.Write(7), os.ErrInvalid, "int")
	wantError(t, r.Read(new(int)), os.ErrInvalid, "*int")
	small := mustMap(t, newFile(t, make([]byte, 6)), nil)
	wantError(t, NewBinaryWriter(NewStream(small)).Write("longer than six"), breezeway.ErrTooLarge)
}

func TestBinaryReaderOnBadData(t *testing.T) {
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
