package ring

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/release"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// small fills a cache line together with the record's word.
type small [7]uint64

type page [4 << 10]byte
type mebi [1 << 20]byte

// bouncer answers what is in the first cache line of the segment Args[0], in the one at
// Args[1], as often as it is told. In between it leaves its processor to the others.
var bouncer = ipctest.Helper("bouncer", func(c *ipctest.Control) error {
	s, err := shm.Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	offset, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	question, err := mmap.View[uint64](s.Mapping, 0)
	if err != nil {
		return err
	}
	answer, err := mmap.View[uint64](s.Mapping, offset)
	if err != nil {
		return err
	}
	c.Say("ready")
	for want := uint64(1); ; {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		for range n {
			for atomic.LoadUint64(question) != want {
			}
			release.Store(answer, want+1)
			want += 2
		}
	}
})

// bounce is a contender: a round trip of a cache line, the limit of what two processes can
// do.
func bounce(b testing.TB) bench.Contender { return words(b, "bare bounce", 0) }

// twoLines is a contender: a round trip of two cache lines, each of which one process
// writes. It is the limit of two connections of one direction each.
func twoLines(b testing.TB) bench.Contender { return words(b, "two lines", 2048) }

// words is a contender: a word there, and one back at this offset.
func words(b testing.TB, name string, offset int) bench.Contender {
	b.Helper()
	segment := ipctest.UniqueName()
	s, err := shm.Create(segment, 4096, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		s.Close()
		shm.Remove(shm.KindSegment, segment, nil)
	})
	question, err := mmap.View[uint64](s.Mapping, 0)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := mmap.View[uint64](s.Mapping, offset)
	if err != nil {
		b.Fatal(err)
	}
	peer := ipctest.Start(b, bouncer, segment, strconv.Itoa(offset))
	peer.Expect("ready")
	next := uint64(1)
	return bench.Contender{Name: name, Stream: true, PeerPID: peer.Process.Pid, Run: func(n int) error {
		peer.Say(strconv.Itoa(n))
		for range n {
			release.Store(question, next)
			next++
			for atomic.LoadUint64(answer) != next {
			}
			next++
		}
		return nil
	}}
}

// echo answers each message of the ring Args[0] by one on the ring Args[1]; Args[2] is
// the type, Args[3] how it waits.
var echo = ipctest.Helper("echo", func(c *ipctest.Control) error {
	switch c.Args[2] {
	case "small":
		return serveEcho(c, func(to, from *small) { *to = *from })
	case "page":
		return serveEcho(c, func(_, _ *page) {})
	case "mebi":
		return serveEcho(c, func(_, _ *mebi) {})
	}
	return fmt.Errorf("no type %q", c.Args[2])
})

func serveEcho[T any](c *ipctest.Control, answer func(to, from *T)) error {
	w, err := strconv.Atoi(c.Args[3])
	if err != nil {
		return err
	}
	there, err := Open[T](c.Args[0], &Config{Wait: Wait(w)})
	if err != nil {
		return err
	}
	c.AtEnd(func() { there.Close() })
	back, err := Open[T](c.Args[1], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { back.Close() })
	in, err := there.Receiver()
	if err != nil {
		return err
	}
	out, err := back.Sender()
	if err != nil {
		return err
	}
	c.Say("ready")
	ctx := context.Background()
	for {
		s, err := in.Receive(ctx)
		if err != nil {
			return err
		}
		l, err := out.Loan(ctx)
		if err != nil {
			return err
		}
		answer(l.Value(), s.Value())
		if err := s.Release(); err != nil {
			return err
		}
		if err := l.Send(); err != nil {
			return err
		}
	}
}

// roundTrip is a contender: a message there and back.
func roundTrip[T any](b testing.TB, typeName string, cfg *Config) bench.Contender {
	b.Helper()
	there, back := newRing[T](b, cfg), newRing[T](b, cfg)
	w := WaitAdaptive
	if cfg != nil {
		w = cfg.Wait
	}
	peer := ipctest.Start(b, echo, there.Name(), back.Name(), typeName, strconv.Itoa(int(w)))
	peer.Expect("ready")
	out, err := there.Sender()
	if err != nil {
		b.Fatal(err)
	}
	in, err := back.Receiver()
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	return bench.Contender{Name: "ring, " + typeName, Stream: true, Bytes: int(unsafe.Sizeof(*new(T))), PeerPID: peer.Process.Pid, Run: func(n int) error {
		for range n {
			l, err := out.Loan(ctx)
			if err != nil {
				return err
			}
			if err := l.Send(); err != nil {
				return err
			}
			s, err := in.Receive(ctx)
			if err != nil {
				return err
			}
			if err := s.Release(); err != nil {
				return err
			}
		}
		return nil
	}}
}

// BenchmarkRoundTrip holds a message of 56 bytes there and back against the bare bounce.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("bounce", func(b *testing.B) { ipctest.Compare(b, roundTrip[small](b, "small", nil), bounce(b)) })
	b.Run("two lines", func(b *testing.B) { ipctest.Compare(b, roundTrip[small](b, "small", nil), twoLines(b)) })
}

// BenchmarkTwoLines holds the limit of two rings against that of one cache line.
func BenchmarkTwoLines(b *testing.B) { ipctest.Compare(b, twoLines(b), bounce(b)) }

// BenchmarkLarge holds large messages that aren't touched against small ones.
func BenchmarkLarge(b *testing.B) {
	b.Run("4KiB", func(b *testing.B) {
		ipctest.Compare(b, roundTrip[page](b, "page", nil), roundTrip[small](b, "small", nil))
	})
	b.Run("1MiB", func(b *testing.B) {
		ipctest.Compare(b, roundTrip[mebi](b, "mebi", nil), roundTrip[small](b, "small", nil))
	})
}

// echoBytes answers each message of the ring of bytes Args[0] by one of the same size on
// the ring Args[1].
var echoBytes = ipctest.Helper("echo bytes", func(c *ipctest.Control) error {
	in, out, err := bytesEnds(c.Args[0], c.Args[1], c.AtEnd)
	if err != nil {
		return err
	}
	c.Say("ready")
	ctx := context.Background()
	for {
		s, err := in.Receive(ctx)
		if err != nil {
			return err
		}
		l, err := out.Loan(ctx, len(s.Bytes()))
		if err != nil {
			return err
		}
		copy(l.Bytes(), s.Bytes())
		if err := s.Release(); err != nil {
			return err
		}
		if err := l.Send(); err != nil {
			return err
		}
	}
})

// bytesEnds opens two rings of bytes, to receive from the first.
func bytesEnds(from, to string, atEnd func(func())) (*BytesReceiver, *BytesSender, error) {
	there, err := OpenBytes(from, nil)
	if err != nil {
		return nil, nil, err
	}
	atEnd(func() { there.Close() })
	back, err := OpenBytes(to, nil)
	if err != nil {
		return nil, nil, err
	}
	atEnd(func() { back.Close() })
	in, err := there.Receiver()
	if err != nil {
		return nil, nil, err
	}
	out, err := back.Sender()
	return in, out, err
}

// roundTripBytes is a contender: a message of bytes there and back.
func roundTripBytes(b testing.TB, size int) bench.Contender {
	b.Helper()
	there, back := newBytes(b, nil), newBytes(b, nil)
	in, out, err := bytesEnds(back.Name(), there.Name(), b.Cleanup)
	if err != nil {
		b.Fatal(err)
	}
	peer := ipctest.Start(b, echoBytes, there.Name(), back.Name())
	peer.Expect("ready")
	ctx := context.Background()
	return bench.Contender{Name: "ring of bytes", Stream: true, Bytes: size, PeerPID: peer.Process.Pid, Run: func(n int) error {
		for i := range n {
			l, err := out.Loan(ctx, size)
			if err != nil {
				return err
			}
			l.Bytes()[0] = byte(i)
			if err := l.Send(); err != nil {
				return err
			}
			s, err := in.Receive(ctx)
			if err != nil {
				return err
			}
			if got := s.Bytes()[0]; got != byte(i) {
				return fmt.Errorf("the answer is %d, want %d", got, byte(i))
			}
			if err := s.Release(); err != nil {
				return err
			}
		}
		return nil
	}}
}

// BenchmarkBytes holds round trips of bytes against those of values.
func BenchmarkBytes(b *testing.B) {
	for _, size := range []int{8, 56, 64} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			ipctest.Compare(b, roundTripBytes(b, size), roundTrip[small](b, "small", nil))
		})
	}
}

// BenchmarkAlone has one process send and receive by turns, a batch each: what the calls
// take by themselves.
func BenchmarkAlone(b *testing.B) {
	const batch = 100
	ctx := context.Background()
	b.Run("values", func(b *testing.B) {
		r := newRing[small](b, nil)
		in, out := must[*Receiver[small]](b)(r.Receiver()), must[*Sender[small]](b)(r.Sender())
		for n := 0; n < b.N; n += batch {
			for range batch {
				l, _ := out.Loan(ctx)
				l.Value()[0] = 1
				l.Send()
			}
			for range batch {
				s, _ := in.Receive(ctx)
				s.Release()
			}
		}
	})
	b.Run("bytes", func(b *testing.B) {
		r := newBytes(b, &Config{CapacityBytes: 64 << 10})
		in, out := must[*BytesReceiver](b)(r.Receiver()), must[*BytesSender](b)(r.Sender())
		for n := 0; n < b.N; n += batch {
			for range batch {
				l, _ := out.Loan(ctx, 56)
				l.Bytes()[0] = 1
				l.Send()
			}
			for range batch {
				s, _ := in.Receive(ctx)
				s.Release()
			}
		}
	})
}

// sink receives as many messages of the ring Args[0] as it is told, and checks them.
var sink = ipctest.Helper("sink", func(c *ipctest.Control) error {
	r, err := Open[small](c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { r.Close() })
	in, err := r.Receiver()
	if err != nil {
		return err
	}
	c.Say("ready")
	ctx := context.Background()
	for seq := uint64(0); ; {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		for range n {
			s, err := in.Receive(ctx)
			if err != nil {
				return err
			}
			seq++
			if v := s.Value(); v[0] != seq || v[6] != seq {
				return fmt.Errorf("message %d is %d, %d", seq, v[0], v[6])
			}
			if err := s.Release(); err != nil {
				return err
			}
		}
		c.Say("done")
	}
})

// oneWay is a contender: messages in one direction.
func oneWay(b testing.TB, cfg *Config) bench.Contender {
	b.Helper()
	r := newRing[small](b, cfg)
	peer := ipctest.Start(b, sink, r.Name())
	peer.Expect("ready")
	out, err := r.Sender()
	if err != nil {
		b.Fatal(err)
	}
	ctx, seq := context.Background(), uint64(0)
	return bench.Contender{Name: "ring, one way", Bytes: 56, Stream: true, PeerPID: peer.Process.Pid, Run: func(n int) error {
		peer.Say(strconv.Itoa(n))
		for range n {
			l, err := out.Loan(ctx)
			if err != nil {
				return err
			}
			seq++
			v := l.Value()
			v[0], v[6] = seq, seq
			if err := l.Send(); err != nil {
				return err
			}
		}
		peer.Expect("done")
		return nil
	}}
}

// BenchmarkOneWay holds messages in one direction against the bare bounce.
func BenchmarkOneWay(b *testing.B) { ipctest.Compare(b, oneWay(b, nil), bounce(b)) }

// socketPeer serves bench's traffic on the Unix socket Args[0].
var socketPeer = ipctest.Helper("socket peer", func(c *ipctest.Control) error {
	l, err := net.Listen("unix", c.Args[0])
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("ready")
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	return bench.Serve(conn)
})

// socket is a contender: traffic on a Unix socket.
func socket(b testing.TB, traffic func(c io.ReadWriter, size int) (func(n int) error, error)) bench.Contender {
	b.Helper()
	path := filepath.Join(b.TempDir(), "s")
	peer := ipctest.Start(b, socketPeer, path)
	peer.Expect("ready")
	conn, err := net.Dial("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	run, err := traffic(conn, 56)
	if err != nil {
		b.Fatal(err)
	}
	return bench.Contender{Name: "Unix socket", Bytes: 56, Stream: true, PeerPID: peer.Process.Pid, Run: run}
}

// BenchmarkUnixSocket holds a ring against a Unix socket. With taskset -c 0 both processes
// share a processor.
func BenchmarkUnixSocket(b *testing.B) {
	b.Run("round trip", func(b *testing.B) {
		ipctest.Compare(b, roundTrip[small](b, "small", nil), socket(b, bench.RoundTrip))
	})
	b.Run("one way", func(b *testing.B) { ipctest.Compare(b, oneWay(b, nil), socket(b, bench.OneWay)) })
	b.Run("spinning", func(b *testing.B) {
		ipctest.Compare(b, roundTrip[small](b, "small", &Config{Wait: WaitSpin}), socket(b, bench.RoundTrip))
	})
	b.Run("parked", func(b *testing.B) {
		ipctest.Compare(b, roundTrip[small](b, "small", &Config{Wait: WaitPark}), socket(b, bench.RoundTrip))
	})
}

// What the benchmarks do holds, for as many messages as there is time for.
func TestMessagesBetweenProcesses(t *testing.T) {
	for name, c := range map[string]bench.Contender{
		"bounce": bounce(t),
		"small":  roundTrip[small](t, "small", nil),
		"bytes":  roundTripBytes(t, 56),
		"page":   roundTrip[page](t, "page", nil),
		"mebi":   roundTrip[mebi](t, "mebi", nil),
		"socket": socket(t, bench.RoundTrip),
	} {
		if err := c.Run(ipctest.Count(1_000_000)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, cfg := range []*Config{{}, {Capacity: 1}, {Shape: ManyToOne}, {Shape: Broadcast}, {Wait: WaitPark}, {Wait: WaitSpin}} {
		n := 100_000_000
		if cfg.Capacity == 1 {
			n = 1_000_000
		}
		if err := oneWay(t, cfg).Run(ipctest.Count(n)); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
