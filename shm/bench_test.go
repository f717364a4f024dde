package shm

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

type line [8]uint64

func lineOf(v uint64) line { return line{v, v, v, v, v, v, v, v} }

var sink uint64

// reader loads the latest value Args[0] for ever.
var reader = ipctest.Helper("reader", func(c *ipctest.Control) error {
	l, err := OpenOrCreateLatest[line](c.Args[0], nil)
	if err != nil {
		return err
	}
	defer l.Close()
	c.Say("reading")
	for {
		v, _, err := l.Load()
		if err != nil {
			return err
		}
		if v != lineOf(v[0]) {
			return fmt.Errorf("a mixture: %v", v)
		}
	}
})

func openLine(t testing.TB) (string, *Latest[line], *LatestWriter[line]) {
	t.Helper()
	name := ipctest.UniqueName()
	l, err := OpenOrCreateLatest[line](name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		Remove(KindLatest, name, nil)
	})
	w, err := l.TryWriter()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store(lineOf(1)); err != nil {
		t.Fatal(err)
	}
	return name, l, w
}

// BenchmarkLatestLoad holds Load against three loads and a copy of the same
// bytes.
func BenchmarkLatestLoad(b *testing.B) {
	_, l, _ := openLine(b)
	words := [3]*atomic.Uint64{&l.head.published, &l.head.writer, &l.head.count}
	load := bench.Contender{Name: "Load", Bytes: 64, Run: func(n int) error {
		for range n {
			v, _, err := l.Load()
			if err != nil {
				return err
			}
			sink += v[7]
		}
		return nil
	}}
	plain := bench.Contender{Name: "3 loads and a copy", Bytes: 64, Run: func(n int) error {
		for range n {
			v, _ := threeLoads(&words, l.slots[1])
			sink += v[7]
		}
		return nil
	}}
	ipctest.Compare(b, load, plain)
}

//go:noinline
func threeLoads(words *[3]*atomic.Uint64, from *line) (line, uint64) {
	n := words[0].Load() + words[1].Load()
	v := *from
	return v, n + words[2].Load()
}

func startReader(t testing.TB, name string) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, reader, name)
	p.Expect("reading")
	return p
}

// A reader in another process sees no mixture of lines, and never stops.
func TestReaderGoesOn(t *testing.T) {
	name, _, w := openLine(t)
	p := startReader(t, name)
	for i := range ipctest.Count(100_000) {
		v := uint64(i + 2)
		if err := w.Store(lineOf(v)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-p.Done():
		t.Errorf("it stopped: %s", p.Stderr())
	default:
	}
}

// BenchmarkLatestStore holds Store, while another process reads as fast as it
// can, against Store without readers: one Store after the other, which shows what
// it costs to get the cache lines back from the reader each time, and with some
// 200 ns or 1 µs of other work between.
func BenchmarkLatestStore(b *testing.B) {
	for _, c := range []struct {
		name string
		work int
	}{{"at once", 0}, {"200ns", 200}, {"1µs", 1000}} {
		b.Run(c.name, func(b *testing.B) {
			name, _, watched := openLine(b)
			_, _, alone := openLine(b)
			startReader(b, name)
			storing := func(name string, w *LatestWriter[line]) bench.Contender {
				v := uint64(1)
				return bench.Contender{Name: name, Bytes: 64, Run: func(n int) error {
					for range n {
						v++
						sink += work(c.work)
						if err := w.Store(lineOf(v)); err != nil {
							return err
						}
					}
					return nil
				}}
			}
			ipctest.Compare(b, storing("with a reader", watched), storing("without", alone))
		})
	}
}

// work takes about n nanoseconds.
//
//go:noinline
func work(n int) (v uint64) {
	for i := range n {
		v = v*6364136223846793005 + uint64(i)
	}
	return v
}

// poller copies the first line of the segment Args[0] until it is lastLine.
var poller = ipctest.Helper("poller", func(c *ipctest.Control) error {
	seg, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	shared, err := mmap.View[line](seg.Mapping, 0)
	if err != nil {
		return err
	}
	c.Say("polling")
	for copyLine(shared) != lastLine {
	}
	c.Say("seen")
	return seg.Close()
})

var lastLine = lineOf(math.MaxUint64)

//go:noinline
func copyLine(p *line) line { return *p }

//go:noinline
func setLine(p *line, v uint64) { *p = lineOf(v) }

// sharedLine returns a segment's name and its first line.
func sharedLine(t testing.TB) (name string, shared *line) {
	t.Helper()
	name = ipctest.UniqueName()
	seg, err := Create(name, 4096, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		seg.Close()
		Remove(KindSegment, name, nil)
	})
	shared, err = mmap.View[line](seg.Mapping, 0)
	if err != nil {
		t.Fatal(err)
	}
	return name, shared
}

// Plain stores reach a process that polls.
func TestPolledLine(t *testing.T) {
	name, shared := sharedLine(t)
	p := ipctest.Start(t, poller, name)
	p.Expect("polling")
	setLine(shared, math.MaxUint64)
	p.Expect("seen")
}

// BenchmarkPolledLine is the hardware's part of BenchmarkLatestStore at once:
// plain stores to one cache line, without any protocol, with and without another
// process that copies it again and again.
func BenchmarkPolledLine(b *testing.B) {
	name, polled := sharedLine(b)
	_, alone := sharedLine(b)
	ipctest.Start(b, poller, name).Expect("polling")
	storing := func(name string, shared *line) bench.Contender {
		return bench.Contender{Name: name, Bytes: 64, Run: func(n int) error {
			for i := range n {
				setLine(shared, uint64(i))
			}
			return nil
		}}
	}
	ipctest.Compare(b, storing("polled", polled), storing("alone", alone))
}
