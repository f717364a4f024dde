//go:build unix

package pipe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
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

// The time is over while the kernel has the first part of a message only.
func TestReadMessageAcrossDeadlines(t *testing.T) {
	client, server, err := connected(t, nil, messages)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	for i := range len(golden) {
		io.WriteString(client, golden[i:i+1])
		if i == 8+4+5-1 {
			break
		}
		server.SetReadDeadline(time.Now().Add(time.Millisecond))
		if got, err := server.ReadMessage(nil); len(got) > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("after %d bytes: %q, %v", i+1, got, err)
		}
	}
	server.SetReadDeadline(time.Time{})
	if got, err := server.ReadMessage(nil); string(got) != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// However small the first Reads are, framing is not taken for data.
func TestByteModeReadsNoPreface(t *testing.T) {
	for size := 1; size <= 2*len(preface); size++ {
		client, server, err := connected(t, nil, messages)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(server, "hello")
		for range 2 {
			if n, err := client.Read(make([]byte, size)); n != 0 || !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("Read of %d: %d, %v", size, n, err)
			}
		}
		client.Close()
		server.Close()
		if _, err := client.Read(make([]byte, size)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// What may become a preface is not kept back, and one that comes in pieces is found
// at its end.
func TestByteModeReadsPrefaceInPieces(t *testing.T) {
	for _, size := range []int{1, 3, 8, 100} {
		client, server, err := connected(t, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		buf := make([]byte, size)
		for _, c := range preface[:len(preface)-1] {
			server.Write([]byte{c})
			n, err := client.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, buf[:n]...)
		}
		if !bytes.Equal(got, preface[:len(preface)-1]) {
			t.Errorf("%q", got)
		}
		server.Write(preface[len(preface)-1:])
		if n, err := client.Read(buf); n != 0 || !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("the whole preface: %d, %v", n, err)
		}
		client.Close()
		server.Close()
	}
}

// Text that begins like a preface arrives whole.
func TestByteModeReadsWhatBeginsLikeAPreface(t *testing.T) {
	const text = "\x89BWM\r\n is only the beginning"
	for _, size := range []int{1, 3, 7, 100} {
		client, server, err := connected(t, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(server, text)
		server.Close()
		if got, err := io.ReadAll(iotest.OneByteReader(io.LimitReader(client, int64(size)))); string(got) != text[:min(size, len(text))] || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if rest, err := io.ReadAll(client); string(rest) != text[min(size, len(text)):] || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
		client.Close()
	}
}

func TestReadAfterCloseRead(t *testing.T) {
	for name, cfg := range map[string]*Config{"byte mode": nil, "message mode": messages} {
		client, server, err := connected(t, cfg, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"first", "arrived too late"} {
			io.WriteString(client, m)
		}
		if _, err := io.ReadFull(server, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		if err := server.CloseRead(); err != nil {
			t.Error(err)
		}
		if n, err := server.Read(make([]byte, 9)); n != 0 || err != io.EOF {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		client.Close()
		server.Close()
		if _, err := server.Read(make([]byte, 9)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s, after Close: %v", name, err)
		}
	}
}

// A Write after CloseWrite doesn't blame the other side, and Drain doesn't either.
func TestWriteAfterCloseWrite(t *testing.T) {
	for name, cfg := range map[string]*Config{"byte mode": nil, "message mode": messages} {
		client, server, err := connected(t, cfg, cfg)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(client, "x")
		client.CloseWrite()
		if _, err := client.Write([]byte("y")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(server); string(got) != "x" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err := client.Drain(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
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
	client, server := connectedMessages(t, messages)
	go func() { // the deadline comes when a part has been sent
		io.ReadFull(server, make([]byte, 1))
		client.SetWriteDeadline(time.Now())
	}()
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

// A Read that waits in the middle of a message doesn't take CloseRead for the death of
// the sender.
func TestCloseReadInTheMiddleOfAMessage(t *testing.T) {
	for name, arrived := range map[string]string{
		"preface": golden[:3],
		"header":  golden[:8+1],
		"message": golden[:8+4+1],
	} {
		t.Run(name, func(t *testing.T) {
			client, c, err := connected(t, nil, messages)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			defer c.Close()
			io.WriteString(client, arrived)
			time.AfterFunc(20*time.Millisecond, func() { c.CloseRead() })
			if _, err := c.Read(make([]byte, 9)); err != io.EOF {
				t.Errorf("%v, want io.EOF", err)
			}
		})
	}
}
