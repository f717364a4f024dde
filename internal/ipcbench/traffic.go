package ipcbench

import (
	"fmt"

	"github.com/breezeway-ipc/breezeway"
)

// The kinds of messages.
const (
	echo    byte = iota + 1 // answered with a message of the same size
	sink                    // not answered
	confirm                 // the last of some: answered with a short message
	over                    // ends the peer's part of a window; answered with a short message
)

const (
	// MinSize is how many bytes a message has at least; a short answer has as many.
	MinSize = 8
	// MaxSize is how many bytes a message has at most.
	MaxSize = 1 << 20
)

// traffic is this process's part: it sends messages, every cache line of which it has
// written, and reads every one of the answers.
type traffic struct {
	link link
	size int
	seq  uint64
}

// begin and end enclose a window.
func (t *traffic) begin() { t.seq = 0 }

func (t *traffic) end() error {
	if err := t.send(over); err != nil {
		return err
	}
	return t.receive(MinSize, over)
}

// roundTrips is the Run of round trips.
func (t *traffic) roundTrips(n int) error {
	for range n {
		if err := t.send(echo); err != nil {
			return err
		}
		if err := t.receive(t.size, echo); err != nil {
			return err
		}
	}
	return nil
}

// stream is the Run of a stream.
func (t *traffic) stream(n int) error {
	for range n - 1 {
		if err := t.send(sink); err != nil {
			return err
		}
	}
	if err := t.send(confirm); err != nil {
		return err
	}
	return t.receive(MinSize, confirm)
}

func (t *traffic) send(kind byte) error {
	t.seq++
	return put(t.link, t.size, kind, t.seq)
}

func (t *traffic) receive(n int, kind byte) error {
	got, err := take(t.link, n, ^t.seq)
	if err == nil && got != kind {
		err = fmt.Errorf("the peer answers a message of kind %d with kind %d (%w)", kind, got, breezeway.ErrMismatch)
	}
	return err
}

// serveWindow is the peer's part of a window.
func serveWindow(l link, size int) error {
	for seq := uint64(1); ; seq++ {
		kind, err := take(l, size, seq)
		if err != nil {
			return err
		}
		n := MinSize
		switch kind {
		case sink:
			continue
		case echo:
			n = size
		}
		if err := put(l, n, kind, ^seq); err != nil {
			return err
		}
		if kind == over {
			return nil
		}
	}
}

// put writes a message and sends it.
func put(l link, n int, kind byte, seq uint64) error {
	b, err := l.Room(n)
	if err != nil {
		return err
	}
	fill(b, kind, seq)
	return l.Send()
}

// take receives a message and reads it.
func take(l link, n int, seq uint64) (kind byte, err error) {
	b, err := l.Receive(n)
	if err != nil {
		return 0, err
	}
	if len(b) != n {
		return 0, fmt.Errorf("a message of %d bytes, want %d (%w)", len(b), n, breezeway.ErrMismatch)
	}
	if kind, err = check(b, seq); err != nil {
		return 0, err
	}
	return kind, l.Release()
}
