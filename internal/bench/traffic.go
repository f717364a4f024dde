package bench

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// The traffic of connections, for all that are io.ReadWriters and deliver what
// one Write has written to one io.ReadFull: streams, and pipes with messages.
// The client says first which kind it wants and how large a payload is.
const (
	echo byte = iota + 1 // every payload is answered with another of the same size
	sink                 // a count, so many payloads, and the count comes back
)

const (
	helloSize  = 5 // the kind, and the size as a 32-bit little-endian number
	countSize  = 8
	maxPayload = 64 << 20
)

// RoundTrip returns the Run of a [Contender] whose operation sends size bytes
// on c and reads as many back. [Serve] is to run at the other end.
func RoundTrip(c io.ReadWriter, size int) (run func(n int) error, err error) {
	if err := hello(c, echo, size); err != nil {
		return nil, err
	}
	buf := make([]byte, size)
	seq := 0
	return func(n int) error {
		for range n {
			seq++
			Fill(buf, seq)
			if _, err := c.Write(buf); err != nil {
				return err
			}
			if _, err := io.ReadFull(c, buf); err != nil {
				return err
			}
			if err := Check(buf, ^seq); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// OneWay returns the Run of a [Contender] with Stream whose operation sends
// size bytes on c. When n were sent, the other end, which runs [Serve],
// confirms that it has read them all.
func OneWay(c io.ReadWriter, size int) (run func(n int) error, err error) {
	if err := hello(c, sink, size); err != nil {
		return nil, err
	}
	buf := make([]byte, size)
	var count [countSize]byte
	seq := 0
	return func(n int) error {
		binary.LittleEndian.PutUint64(count[:], uint64(n))
		if _, err := c.Write(count[:]); err != nil {
			return err
		}
		for range n {
			seq++
			Fill(buf, seq)
			if _, err := c.Write(buf); err != nil {
				return err
			}
		}
		if _, err := io.ReadFull(c, count[:]); err != nil {
			return err
		}
		if got := binary.LittleEndian.Uint64(count[:]); got != uint64(n) {
			return fmt.Errorf("the peer confirms %d payloads of %d (%w)", got, n, breezeway.ErrMismatch)
		}
		return nil
	}, nil
}

// Serve is the peer of [RoundTrip] and [OneWay]. It returns nil when the client
// has closed the connection.
func Serve(c io.ReadWriter) error {
	if err := serve(c); err != io.EOF {
		return err
	}
	return nil
}

func serve(c io.ReadWriter) error {
	var h [helloSize]byte
	if _, err := io.ReadFull(c, h[:]); err != nil {
		return err
	}
	size := int64(binary.LittleEndian.Uint32(h[1:]))
	if err := checkSize(size); err != nil {
		return err
	}
	buf := make([]byte, size)
	switch h[0] {
	case echo:
		return serveEcho(c, buf)
	case sink:
		return serveSink(c, buf)
	}
	return fmt.Errorf("there is no traffic of kind %d (%w)", h[0], breezeway.ErrMismatch)
}

func serveEcho(c io.ReadWriter, buf []byte) error {
	for seq := 1; ; seq++ {
		if _, err := io.ReadFull(c, buf); err != nil {
			return err
		}
		if err := Check(buf, seq); err != nil {
			return err
		}
		Fill(buf, ^seq)
		if _, err := c.Write(buf); err != nil {
			return err
		}
	}
}

func serveSink(c io.ReadWriter, buf []byte) error {
	var count [countSize]byte
	for seq := 1; ; {
		if _, err := io.ReadFull(c, count[:]); err != nil {
			return err
		}
		for range binary.LittleEndian.Uint64(count[:]) {
			if _, err := io.ReadFull(c, buf); err != nil {
				return err
			}
			if err := Check(buf, seq); err != nil {
				return err
			}
			seq++
		}
		if _, err := c.Write(count[:]); err != nil {
			return err
		}
	}
}

func hello(c io.Writer, kind byte, size int) error {
	if err := checkSize(int64(size)); err != nil {
		return err
	}
	_, err := c.Write(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(size)))
	return err
}

func checkSize(size int64) error {
	if size < 1 || size > maxPayload {
		return fmt.Errorf("a payload of %d bytes is not within 1 and %d (%w)", size, maxPayload, os.ErrInvalid)
	}
	return nil
}
