package mmap

import (
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
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
	ipctest.WantError(t, err, breezeway.ErrTooLarge, "6 bytes", "offset 7", "capacity of 10", "3 were written")
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
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
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
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
	_, err = s.Seek(-1, io.SeekStart)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = s.Seek(0, 9)
	ipctest.WantError(t, err, os.ErrInvalid)
}
