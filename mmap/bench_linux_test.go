package mmap

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// largeSize is what the benchmarks of large amounts copy and sum.
var largeSize = flag.Int("mmap.large", 1<<30, "bytes that benchmarks of large amounts work on")

// sealedMapping returns a mapping that needs no guard.
func sealedMapping(t testing.TB, size int) *Mapping {
	t.Helper()
	f, err := sys.Memfd("bench")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := sys.Reserve(f, int64(size)); err != nil {
		t.Fatal(err)
	}
	if err := sys.AddSeals(f, unix.F_SEAL_SHRINK); err != nil {
		t.Fatal(err)
	}
	m := mustMap(t, f, nil)
	if m.guarded {
		t.Fatal("it is guarded")
	}
	return m
}

func guardedMapping(t testing.TB, size int) *Mapping {
	t.Helper()
	m := mustMap(t, newFile(t, make([]byte, size)), nil)
	if !m.guarded {
		t.Fatal("it is not guarded")
	}
	return m
}

var sink uint64

// sum is the loop whose speed is compared. Both contenders run this very code.
//
//go:noinline
func sum(s []uint64) (n uint64) {
	for _, v := range s {
		n += v
	}
	return n
}

// BenchmarkSlice sums a slice in mapped memory and one of Go.
func BenchmarkSlice(b *testing.B) {
	const size = 1 << 20
	for name, m := range map[string]*Mapping{"sealed": sealedMapping(b, size), "guarded": guardedMapping(b, size)} {
		b.Run(name, func(b *testing.B) {
			mapped, err := Slice[uint64](m, 0, size/8)
			if err != nil {
				b.Fatal(err)
			}
			plain := make([]uint64, size/8)
			for i := range plain {
				plain[i], mapped[i] = uint64(i), uint64(i)
			}
			over := func(s []uint64) func(int) error {
				return func(n int) error {
					for range n {
						sink += sum(s)
					}
					return nil
				}
			}
			ipctest.Compare(b, bench.Contender{Name: "Slice", Run: over(mapped), Bytes: size},
				bench.Contender{Name: "Go slice", Run: over(plain), Bytes: size})
		})
	}
}

// BenchmarkAccess measures accessors, one call an operation, against indexing a
// slice of Go.
func BenchmarkAccess(b *testing.B) {
	const size, words = 64 << 10, 8 << 10
	plain := make([]uint64, words)
	indexing := bench.Contender{Name: "Go slice", Bytes: 8, Run: func(n int) error {
		for i := range n {
			sink += plain[i%words]
		}
		return nil
	}}
	for kind, m := range map[string]*Mapping{"sealed": sealedMapping(b, size), "guarded": guardedMapping(b, size)} {
		for name, run := range map[string]func(n int) error{
			"Read": func(n int) error {
				for i := range n {
					v, err := Read[uint64](m, i%words*8)
					if err != nil {
						return err
					}
					sink += v
				}
				return nil
			},
			"Write": func(n int) error {
				for i := range n {
					if err := Write(m, i%words*8, uint64(i)); err != nil {
						return err
					}
				}
				return nil
			},
			"ReadStruct": func(n int) error {
				for i := range n {
					v, err := Read[[8]uint64](m, i%(words/8)*64)
					if err != nil {
						return err
					}
					sink += v[7]
				}
				return nil
			},
			"AtomicLoad": func(n int) error {
				for i := range n {
					v, err := AtomicLoad[uint64](m, i%words*8)
					if err != nil {
						return err
					}
					sink += v
				}
				return nil
			},
			"AtomicAdd": func(n int) error {
				for range n {
					if _, err := AtomicAdd(m, 64, uint64(1)); err != nil {
						return err
					}
				}
				return nil
			},
			"Borrow": func(n int) error {
				for range n {
					if err := m.Borrow(func(b []byte) error { sink += uint64(b[0]); return nil }); err != nil {
						return err
					}
				}
				return nil
			},
			"BorrowedLoop": func(n int) error {
				return m.Borrow(func([]byte) error {
					s, err := Slice[uint64](m, 0, words)
					if err != nil {
						return err
					}
					for i := range n {
						sink += s[i%words]
					}
					return nil
				})
			},
		} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				ipctest.Compare(b, bench.Contender{Name: name + ", " + kind, Bytes: 8, Run: run}, indexing)
			})
		}
	}
}

// BenchmarkCopy copies a large amount, a mebibyte an operation, through a warm
// mapping and between slices of Go.
func BenchmarkCopy(b *testing.B) {
	const step = 1 << 20
	m := sealedMapping(b, *largeSize)
	here, there := make([]byte, *largeSize), make([]byte, *largeSize)
	touchAll := func(p []byte) {
		for i := 0; i < len(p); i += 4096 {
			p[i] = byte(i >> 12)
		}
	}
	for _, p := range [][]byte{m.Bytes(), here, there} {
		touchAll(p)
	}
	copying := func(name string, to, from []byte) bench.Contender {
		at := 0
		return bench.Contender{Name: name, Bytes: step, Run: func(n int) error {
			for range n {
				copy(to[at:at+step], from[at:at+step])
				if at += step; at+step > len(to) {
					at = 0
				}
			}
			return nil
		}}
	}
	plain := copying("Go slices", there, here)
	b.Run("in", func(b *testing.B) { ipctest.Compare(b, copying("into the mapping", m.Bytes(), here), plain) })
	b.Run("out", func(b *testing.B) { ipctest.Compare(b, copying("out of the mapping", there, m.Bytes()), plain) })
}

// fileSums are the ways to sum the words of a file.
var fileSums = map[string]func(path string) (uint64, error){
	"mmap": func(path string) (n uint64, err error) {
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		m, err := Map(f, &Config{ReadOnly: true, Advice: Sequential})
		if err != nil {
			return 0, err
		}
		defer m.Close()
		err = m.Borrow(func(b []byte) error {
			n = sumBytes(b)
			return nil
		})
		return n, err
	},
	"ReadFile": func(path string) (uint64, error) {
		b, err := os.ReadFile(path)
		return sumBytes(b), err
	},
	"bufio": func(path string) (n uint64, err error) {
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		const size = 64 << 10
		r := bufio.NewReaderSize(f, size)
		for {
			b, err := r.Peek(size)
			n += sumBytes(b)
			r.Discard(len(b))
			if err == io.EOF {
				return n, nil
			}
			if err != nil {
				return 0, err
			}
		}
	},
}

func sumBytes(b []byte) (n uint64) {
	for ; len(b) >= 8; b = b[8:] {
		n += binary.LittleEndian.Uint64(b)
	}
	return n
}

// summer sums the file Args[1] the way Args[0] says, and tells how many KiB it
// had resident at most, and has resident of its own at the end.
var summer = ipctest.Helper("summer", func(c *ipctest.Control) error {
	n, err := fileSums[c.Args[0]](c.Args[1])
	if err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	var peak, own int
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "VmHWM: %d kB", &peak)
		fmt.Sscanf(line, "RssAnon: %d kB", &own)
	}
	c.Say("%d %d %d", n, peak, own)
	return nil
})

// sumElsewhere has another process sum the file, and returns what it had resident
// in MiB: at most, and of its own.
func sumElsewhere(t testing.TB, way, path string, want uint64) (peak, own float64) {
	t.Helper()
	p := ipctest.Start(t, summer, way, path)
	var got uint64
	fmt.Sscan(p.Hear(), &got, &peak, &own)
	if err := p.Wait(); err != nil || got != want {
		t.Errorf("%s: the sum is %d, not %d, %v", way, got, want, err)
	}
	return peak / 1024, own / 1024
}

// largeFile returns a file whose words are their numbers, and their sum.
func largeFile(t testing.TB, size int) (path string, sum uint64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "large")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := mustMap(t, f, &Config{Capacity: int64(size)})
	words, err := Slice[uint64](m, 0, size/8)
	if err != nil {
		t.Fatal(err)
	}
	for i := range words {
		words[i] = uint64(i)
		sum += uint64(i)
	}
	return path, sum
}

// The ways agree, and a mapping takes no memory of its own.
func TestSumOfFile(t *testing.T) {
	const size = 64 << 20
	path, want := largeFile(t, size)
	for way := range fileSums {
		_, own := sumElsewhere(t, way, path, want)
		if way == "mmap" && own > size>>20/2 {
			t.Errorf("mapping and summing %d MiB takes %v MiB", size>>20, own)
		}
	}
}

// BenchmarkFile sums a large file in the page cache, once an operation. What each
// way has resident at most is measured in a process of its own.
func BenchmarkFile(b *testing.B) {
	path, want := largeFile(b, *largeSize)
	contender := func(way string) bench.Contender {
		return bench.Contender{Name: way, Bytes: *largeSize, Run: func(n int) error {
			for range n {
				got, err := fileSums[way](path)
				if err == nil && got != want {
					err = fmt.Errorf("the sum is %d, not %d", got, want)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}}
	}
	for _, other := range []string{"ReadFile", "bufio"} {
		b.Run(other, func(b *testing.B) {
			ipctest.Compare(b, contender("mmap"), contender(other))
			peak, own := sumElsewhere(b, "mmap", path, want)
			b.ReportMetric(peak, "MiB-resident")
			b.ReportMetric(own, "MiB-own")
			peak, own = sumElsewhere(b, other, path, want)
			b.ReportMetric(peak, "base-MiB-resident")
			b.ReportMetric(own, "base-MiB-own")
		})
	}
}
