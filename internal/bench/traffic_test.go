package bench

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

func TestTraffic(t *testing.T) {
	for kind, traffic := range map[string]func(io.ReadWriter, int) (func(int) error, error){"round trip": RoundTrip, "one way": OneWay} {
		for _, size := range []int{1, 64, 1000, 65536} {
			client, server := net.Pipe()
			served := make(chan error, 1)
			go func() { served <- Serve(server) }()
			run, err := traffic(client, size)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 0, 300, 2} {
				if err := run(n); err != nil {
					t.Errorf("%s, %d of %d bytes: %v", kind, n, size, err)
				}
			}
			client.Close()
			if err := <-served; err != nil {
				t.Errorf("%s, %d bytes: Serve: %v", kind, size, err)
			}
		}
	}
}

// spoiled changes a byte of what is written once so many bytes have passed.
type spoiled struct {
	io.ReadWriter
	after int
}

func (s *spoiled) Write(p []byte) (int, error) {
	if s.after -= len(p); s.after < 0 {
		q := append([]byte(nil), p...)
		q[0]++
		p = q
	}
	return s.ReadWriter.Write(p)
}

// TestWrongPayload spoils what the client or what the peer sends: the other one
// tells.
func TestWrongPayload(t *testing.T) {
	const never = 1 << 30
	for kind, traffic := range map[string]func(io.ReadWriter, int) (func(int) error, error){"round trip": RoundTrip, "one way": OneWay} {
		for _, after := range []struct{ client, peer int }{{100, never}, {never, 0}} {
			client, server := net.Pipe()
			served := make(chan error, 1)
			go func() {
				err := Serve(&spoiled{server, after.peer})
				server.Close()
				served <- err
			}()
			run, err := traffic(&spoiled{client, after.client}, 64)
			if err != nil {
				t.Fatal(err)
			}
			if err := run(10); err == nil {
				t.Errorf("%s, spoiled after %+v bytes: no error", kind, after)
			}
			client.Close()
			if err := <-served; (err == nil) != (after.client == never) {
				t.Errorf("%s, spoiled after %+v bytes: Serve: %v", kind, after, err)
			}
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for _, c := range []struct {
		hello string
		want  error
	}{
		{"\x01\xff\xff\xff\xff", os.ErrInvalid},
		{"\x01\x00\x00\x00\x00", os.ErrInvalid},
		{"\x09\x10\x00\x00\x00", breezeway.ErrMismatch},
		{"\x01\x10", io.ErrUnexpectedEOF},
		{"", nil},
	} {
		client, server := net.Pipe()
		go func() {
			io.WriteString(client, c.hello)
			client.Close()
		}()
		if err := Serve(server); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.hello, err, c.want)
		}
	}
	if _, err := RoundTrip(nil, 1<<30); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("a payload of 1 GiB: %v", err)
	}
}
