//go:build unix

package pipe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// golden is the format as docs/formats.md has it.
const golden = "\x89BWM\r\n\x1a\x01" + "\x05\x00\x00\x00hello" + "\x00\x00\x00\x00" + "\x03\x00\x00\x00bye"

func TestMessageFormat(t *testing.T) {
	var out bytes.Buffer
	w := newFrames(&out, 100)
	for _, m := range []string{"hello", "", "bye"} {
		if n, err := io.WriteString(w, m); n != len(m) || err != nil {
			t.Fatal(n, err)
		}
	}
	if out.String() != golden {
		t.Errorf("wrote %q, want %q", out.String(), golden)
	}
	for name, r := range map[string]io.Reader{
		"whole":     bytes.NewReader([]byte(golden)),
		"bytewise":  iotest.OneByteReader(bytes.NewReader([]byte(golden))),
		"with EOF":  iotest.DataErrReader(bytes.NewReader([]byte(golden))),
		"time-outs": iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader([]byte(golden)))),
	} {
		f := newFrames(readOnly{r}, 100)
		var got []string
		for {
			m, err := readFrame(f)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			got = append(got, m)
		}
		if len(got) != 3 || got[0] != "hello" || got[1] != "" || got[2] != "bye" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// readFrame reads one message and goes on after time-outs, as a caller may.
func readFrame(f *frames) (string, error) {
	buf := make([]byte, 10)
	n := 0
	for {
		m, err := f.Read(buf[n:])
		n += m
		if err != iotest.ErrTimeout {
			return string(buf[:n]), err
		}
	}
}

type readOnly struct{ io.Reader }

func (readOnly) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

func TestMessageModeMeetsByteMode(t *testing.T) {
	for _, text := range []string{"x", "plain text that is longer than the preface", "\x89BWM", golden[:7] + "\x02"} {
		client, server, err := connected(t, nil, messages)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(client, text)
		if text == golden[:4] {
			client.CloseWrite() // so far it might have become a preface
		}
		_, err = server.Read(make([]byte, 100))
		if text == golden[:4] {
			if err != io.ErrUnexpectedEOF && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v", text, err)
			}
		} else if !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%q: %v", text, err)
		}
		// The other way round the byte-mode end finds out.
		io.WriteString(server, "hello")
		for range 2 {
			if _, err := client.Read(make([]byte, 100)); !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("byte-mode end: %v", err)
			}
		}
		client.Close()
		server.Close()
	}
}

func TestHostileLength(t *testing.T) {
	client, server, err := connected(t, nil, messages)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	io.WriteString(client, golden)
	binary.Write(client, binary.LittleEndian, uint32(0xffffffff))
	for range 3 {
		if _, err := server.ReadMessage(nil); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = server.ReadMessage(nil)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("allocated %d bytes", got)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("later: %v", err)
	}
}

// Announcing a large message within the limit must not make the receiver
// allocate it before it arrives.
func TestAnnouncedLength(t *testing.T) {
	client, server, err := connected(t, nil, messages)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client.Write(preface[:])
	binary.Write(client, binary.LittleEndian, uint32(DefaultMaxMessage))
	io.WriteString(client, "only this")
	client.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := server.ReadMessage(nil)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "only this" {
		t.Errorf("%q, %v", got, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("allocated %d bytes", n)
	}
}

func TestMessageCutOffByDeadline(t *testing.T) {
	client, _ := connectedMessages(t, messages)
	client.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	n, err := client.Write(make([]byte, DefaultMaxMessage))
	if n <= 0 || n >= DefaultMaxMessage || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d, %v", n, err)
	}
	client.SetWriteDeadline(time.Time{})
	if _, err := io.WriteString(client, "x"); err == nil {
		t.Error("a message follows a torso")
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(golden), 5)
	f.Add([]byte(golden[:10]), 1)
	f.Add([]byte("\x89BWM\r\n\x1a\x01\xff\xff\xff\xff"), 100)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		const limit = 1000
		r := newFrames(readOnly{bytes.NewReader(in)}, limit)
		// A second copy of the format: what the decoder must make of it.
		rest, framed := bytes.CutPrefix(in, preface[:])
		buf := make([]byte, max(1, size%2000))
		var message []byte
		for {
			n, err := r.Read(buf)
			message = append(message, buf[:n]...)
			if err == ErrMoreData {
				continue
			}
			if err != nil {
				switch {
				case errors.Is(err, breezeway.ErrMismatch):
					if framed {
						t.Errorf("mismatch in spite of the preface: %v", err)
					}
				case errors.Is(err, breezeway.ErrTooLarge):
					if len(rest) < 4 || binary.LittleEndian.Uint32(rest) <= limit {
						t.Errorf("too large: %v", err)
					}
				case err == io.EOF:
					if framed && len(rest) > 0 || !framed && len(in) > 0 {
						t.Errorf("%d bytes are left at EOF", len(rest))
					}
				case err == io.ErrUnexpectedEOF:
				default:
					t.Errorf("unexpected error %v", err)
				}
				return
			}
			if !framed || len(rest) < 4 {
				t.Fatalf("%q decoded from nothing", message)
			}
			size := int(binary.LittleEndian.Uint32(rest))
			if size > len(rest)-4 || !bytes.Equal(message, rest[4:4+size]) {
				t.Fatalf("decoded %q, want %d bytes of %q", message, size, rest[4:])
			}
			message, rest = message[:0], rest[4+size:]
		}
	})
}
