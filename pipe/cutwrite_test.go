package pipe

import (
	"cmp"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// What a Write reports that a deadline has cut off is what was taken: the program that
// goes on from there neither loses nor doubles a byte. The reader is slow and takes a few
// bytes at a time, so that most writes are cut off while a part of them is being read.
func TestCutWriteReportsWhatWasTaken(t *testing.T) {
	for name, ends := range map[string]func() (w, r net.Conn, err error){
		"client": func() (net.Conn, net.Conn, error) { return connected(t, nil, nil) },
		"server": func() (net.Conn, net.Conn, error) {
			client, server, err := connected(t, nil, nil)
			return server, client, err
		},
		"small buffer": func() (net.Conn, net.Conn, error) {
			return connected(t, nil, &Config{BufferSize: 4096})
		},
		"duplex": func() (net.Conn, net.Conn, error) {
			d1, d2 := newDuplexes(t)
			return d1, d2, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, r, err := ends()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			total := 2 << 20
			got := make(chan error, 1)
			go func() {
				err := readSlowly(r, total)
				r.Close() // no Write waits for a reader that has given up
				got <- err
			}()
			cut, err := writeInParts(w, total)
			if err := cmp.Or(<-got, err); err != nil {
				t.Error(err)
			}
			if cut == 0 {
				t.Error("no write was cut off")
			}
		})
	}
}

// writeInParts writes the pattern with deadlines that cut writes off, and returns how
// many were.
func writeInParts(w net.Conn, total int) (cut int, err error) {
	whole := make([]byte, 0, total+len(pattern))
	for len(whole) < total {
		whole = append(whole, pattern...)
	}
	for rest := whole[:total]; len(rest) > 0; {
		w.SetWriteDeadline(time.Now().Add(time.Duration(1+rand.IntN(3000)) * time.Microsecond))
		n, err := w.Write(rest[:min(len(rest), 1+rand.IntN(1<<20))])
		rest = rest[n:]
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && cut < 100_000:
			cut++
		case err != nil:
			return cut, err
		}
	}
	return cut, nil
}

func readSlowly(r io.Reader, total int) error {
	got, err := checkPattern(&pausingReader{r: io.LimitReader(r, int64(total))}, nil)
	if err == io.EOF && got == total {
		return nil
	}
	return err
}

// pausingReader reads a little at a time, and rests in between.
type pausingReader struct {
	r    io.Reader
	read int
}

func (p *pausingReader) Read(b []byte) (int, error) {
	if p.read > 20_000 {
		p.read = 0
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
	}
	n, err := p.r.Read(b[:min(len(b), 1+rand.IntN(3000))])
	p.read += n
	return n, err
}

// A deadline in the past ends no Write that has begun, so the pipe stays usable.
func TestWriteAfterAPastDeadline(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	client.SetWriteDeadline(time.Now().Add(-time.Second))
	n, err := io.WriteString(client, "late")
	if n != 0 {
		t.Error(n)
	}
	ipctest.WantError(t, err, os.ErrDeadlineExceeded)
	client.SetWriteDeadline(time.Time{})
	if _, err := io.WriteString(client, "next"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(server, got); err != nil || string(got) != "next" {
		t.Errorf("%q, %v", got, err)
	}
}
