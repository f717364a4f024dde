//go:build linux || windows

package shmnet

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// patience bounds calls on the connection of a hostile peer: they may wait, as for any
// peer that says nothing, but a deadline ends them.
const hostilePatience = 20 * time.Millisecond

// use goes through all public methods and returns when each has ended.
func use(c *Conn) {
	var calls sync.WaitGroup
	c.SetDeadline(time.Now().Add(hostilePatience))
	buf := make([]byte, 5000)
	for _, call := range []func() error{
		func() error { _, err := c.Read(make([]byte, 5000)); return err },
		func() error { _, err := c.Write(buf); return err },
		func() error {
			p, err := c.Reserve(3000)
			if err != nil {
				return err
			}
			return c.Commit(len(p))
		},
		func() error {
			p, err := c.Peek(3000)
			if err != nil {
				return err
			}
			io.Discard.Write(p)
			return c.Discard(len(p))
		},
		func() error { _, err := c.WriteTo(io.Discard); return err },
	} {
		calls.Go(func() {
			for range 5 {
				if err := call(); err != nil {
					return
				}
			}
		})
	}
	calls.Wait()
}

// FuzzHostilePeer has one end write whatever the fuzzer says into the memory and the
// socket, while the other is used. Each step is four bytes: what to write to, and where
// to put what.
func FuzzHostilePeer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 1, 1, 0, 0, 255, 2, 128, 7, 255, 3, 'd', 0, 0, 3, 's', 9, 9, 3, 'x', 0, 0})
	f.Add([]byte{0, 7, 0, 0x80, 0, 0, 0, 100, 1, 2, 255, 255})
	f.Fuzz(func(t *testing.T, script []byte) {
		client, server, err := connected(nil, &Config{BufferSize: minBufferSize})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		defer server.Close()
		awaitShared(t, server)
		coverAll(t, server)
		done := make(chan struct{})
		go func() {
			use(client)
			close(done)
		}()
		for ; len(script) >= 4; script = script[4:] {
			play(server, [4]byte(script))
		}
		select {
		case <-done:
		case <-time.After(ipctest.Patience):
			t.Fatal("the client's calls didn't end")
		}
	})
}

// play performs a step of an attack by c.
func play(c *Conn, step [4]byte) {
	mem := c.memory.b
	switch step[0] % 4 {
	case 0: // a byte of a direction's words
		mem[int(step[1]%2)*directionSize+int(step[1]/2)*128%512+int(step[2]%8)] = step[3]
	case 1: // a word as a small number beyond or before
		at := int(step[1]%2)*directionSize + int(step[1]/2)*128%512
		binary.LittleEndian.PutUint64(mem[at:], binary.LittleEndian.Uint64(mem[at:])+uint64(int64(int16(binary.LittleEndian.Uint16(step[2:])))))
	case 2: // anywhere
		mem[(int(step[1])<<8|int(step[2]))%len(mem)] = step[3]
	case 3: // a bell, or what is none
		ringWith(c, step[1:2])
	}
}

// awaitShared waits until the server has heard that the client mapped the memory.
func awaitShared(t testing.TB, server *Conn) {
	t.Helper()
	if err := server.begin(&server.rd); err != nil {
		t.Fatal(err)
	}
	server.end(&server.rd)
	if server.Transport() != SharedMemory {
		t.Fatalf("the transport is %v", server.Transport())
	}
}

// coverAll lets a test touch the memory of c wherever it likes.
func coverAll(t testing.TB, c *Conn) {
	t.Helper()
	if err := errors.Join(c.in.pages.cover(c.in.mask+1), c.out.pages.cover(c.out.size())); err != nil {
		t.Fatal(err)
	}
}

// TestHostileStorm writes at random while the other end is used, for longer.
func TestHostileStorm(t *testing.T) {
	for range ipctest.Count(2000) {
		client, server, err := connected(nil, &Config{BufferSize: minBufferSize})
		if err != nil {
			t.Fatal(err)
		}
		awaitShared(t, server)
		coverAll(t, server)
		done := make(chan struct{})
		go func() {
			use(client)
			close(done)
		}()
		for ended := false; !ended; {
			var step [4]byte
			binary.LittleEndian.PutUint32(step[:], rand.Uint32())
			play(server, step)
			select {
			case <-done:
				ended = true
			default:
			}
		}
		client.Close()
		server.Close()
	}
}

// TestBellFlood rings without being asked to: the connection breaks, rather than keep a
// processor busy.
func TestBellFlood(t *testing.T) {
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	for range 10 {
		server.bells.bell.ringData()
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("Read: %v", err)
	}
	if _, err := client.Write(make([]byte, 1)); !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("Write: %v", err)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the other end's Read: %v", err)
	}
}

// TestImpossiblePositions claims more than there can be.
func TestImpossiblePositions(t *testing.T) {
	client, server, err := connected(nil, &Config{BufferSize: minBufferSize})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	binary.LittleEndian.PutUint64(server.memory.b[writtenAt:], minBufferSize+1)
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("Read: %v", err)
	}

	client, server, err = connected(nil, &Config{BufferSize: minBufferSize})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	binary.LittleEndian.PutUint64(server.memory.b[directionSize+readAt:], 1<<40)
	if _, err := client.Write(make([]byte, minBufferSize+1)); !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("Write: %v", err)
	}
}

// TestForeignEnd ends, in the memory, what the other end writes.
func TestForeignEnd(t *testing.T) {
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	binary.LittleEndian.PutUint64(server.memory.b[directionSize+writtenAt:], endedBit)
	if n, err := client.Write(make([]byte, 1)); n != 0 || !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("Write: %d, %v", n, err)
	}
}

// fakeServer answers one client with what greet says.
func fakeServer(t *testing.T, greet func(door *pipe.Conn)) (name string) {
	t.Helper()
	name = ipctest.UniqueName()
	at, err := pipeName(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := pipe.Listen(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		door, err := l.AcceptContext(context.Background())
		if err != nil {
			return
		}
		defer door.Close()
		greet(door)
		io.Copy(io.Discard, door) // until the client leaves
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return name
}

// TestStrangeServers says what no server of ours says.
func TestStrangeServers(t *testing.T) {
	huge := hello{shared: true, toClient: 1 << 62, toServer: 1 << 62}.encode()
	odd := hello{shared: true, toClient: minBufferSize + 1, toServer: minBufferSize}.encode()
	later := hello{}.encode()
	later[8] = version + 1
	for name, said := range map[string][]byte{
		"another protocol": []byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
		"huge rings":       huge,
		"an odd ring":      odd,
		"a later version":  later,
		"an odd answer":    append(hello{}.encode(), 'X'),
	} {
		t.Run(name, func(t *testing.T) {
			name := fakeServer(t, func(door *pipe.Conn) { door.Write(said) })
			if c, err := Dial(context.Background(), name, nil); !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		name := fakeServer(t, func(*pipe.Conn) {})
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if _, err := Dial(ctx, name, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("half", func(t *testing.T) {
		name := fakeServer(t, func(door *pipe.Conn) {
			door.Write(hello{}.encode()[:10])
			door.Close()
		})
		if _, err := Dial(context.Background(), name, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
}

// TestStrangeClients answer what no client of ours answers.
func TestStrangeClients(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	at, err := pipeName(name)
	if err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]error{"X": breezeway.ErrMismatch, "": io.ErrUnexpectedEOF, "Sx": breezeway.ErrMismatch} {
		door, err := pipe.Dial(context.Background(), at, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(door, said)
		c := mustAccept(t, l)
		if said == "" && errors.Is(door.CloseWrite(), errors.ErrUnsupported) {
			door.Close()
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", said, err, want)
		}
		c.Close()
		door.Close()
	}
}

func FuzzHello(f *testing.F) {
	f.Add(hello{}.encode())
	f.Add(hello{shared: true, toClient: minBufferSize, toServer: maxBufferSize}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHello(b)
		if err == nil && h.shared && string(h.encode()) != string(b) {
			t.Errorf("%x decodes to %+v", b, h)
		}
	})
}
