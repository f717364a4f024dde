//go:build unix

package mmap

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"iter"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// borrowed is what a function inside Borrow has of a mapping, as the documentation of
// Borrow calls it.
type borrowed struct {
	m   *Mapping
	b   []byte
	s   []uint64
	str string

	truncate func() // takes the memory away
	after    func() // what the program does after Borrow
	thrown   any    // what f panicked with
}

// advice is a line of the documentation of Borrow: what kills the process if it
// touches memory that is gone, and what doesn't.
type advice struct {
	instead, write string
	wrong, right   func(x *borrowed) error

	// Whether the wrong way kills a process that was built without -race, and one
	// that was built with it.
	plain, race bool
}

// The sinks keep the compiler from leaving a touch out.
var (
	numberSink uint64
	textSink   string
)

var advices = map[string]advice{
	"send": {
		instead: "c <- s[0]", write: "v := s[0]; c <- v",
		wrong: func(x *borrowed) error {
			c := make(chan uint64, 1)
			x.truncate()
			c <- x.s[0]
			return nil
		},
		right: func(x *borrowed) error {
			c := make(chan uint64, 1)
			x.truncate()
			v := x.s[0]
			c <- v
			return nil
		},
		plain: true, // the race detector copies by itself
	},
	"print": {
		instead: "println(str)", write: "println(strings.Clone(str))",
		wrong: func(x *borrowed) error {
			x.truncate()
			println(x.str)
			return nil
		},
		right: func(x *borrowed) error {
			x.truncate()
			println(strings.Clone(x.str))
			return nil
		},
		plain: true, race: true,
	},
	"random": {
		instead: "rand.Read(b)", write: "rand.Read(p); copy(b, p)",
		wrong: func(x *borrowed) error {
			x.truncate()
			rand.Read(x.b)
			return nil
		},
		right: func(x *borrowed) error {
			p := make([]byte, len(x.b))
			x.truncate()
			rand.Read(p)
			copy(x.b, p)
			return nil
		},
		plain: true, race: true,
	},
	"stack": {
		instead: "runtime.Stack(b, false)", write: "copy(b, debug.Stack())",
		wrong: func(x *borrowed) error {
			x.truncate()
			runtime.Stack(x.b, false)
			return nil
		},
		right: func(x *borrowed) error {
			x.truncate()
			copy(x.b, debug.Stack())
			return nil
		},
		plain: true, race: true,
	},
	"trace": {
		instead: `trace.Log(ctx, "", str)`, write: `trace.Log(ctx, "", strings.Clone(str))`,
		wrong: func(x *borrowed) error {
			if err := trace.Start(io.Discard); err != nil {
				return err
			}
			defer trace.Stop()
			x.truncate()
			trace.Log(context.Background(), "", x.str)
			return nil
		},
		right: func(x *borrowed) error {
			if err := trace.Start(io.Discard); err != nil {
				return err
			}
			defer trace.Stop()
			x.truncate()
			trace.Log(context.Background(), "", strings.Clone(x.str))
			return nil
		},
		plain: true, race: true,
	},
	"map": {
		instead: "keys[str] = v", write: "keys[strings.Clone(str)] = v",
		wrong: func(x *borrowed) error {
			same := strings.Clone(x.str)
			keys := map[string]int{}
			keys[x.str] = 1
			x.truncate()
			x.after = func() { keys["another"] = 2 } // the fault has left the map as if it were being written
			keys[same] = 2
			return nil
		},
		right: func(x *borrowed) error {
			same := strings.Clone(x.str)
			keys := map[string]int{}
			keys[strings.Clone(x.str)] = 1
			x.truncate()
			x.after = func() { keys["another"] = 2 }
			keys[same] = 2
			numberSink = x.s[0]
			return nil
		},
		plain: true, race: true,
	},
	"goroutine": {
		instead: "go func() { use(b) }()", write: "go func() { err = m.Borrow(use) }()",
		wrong: func(x *borrowed) error {
			var done sync.WaitGroup
			x.truncate()
			done.Go(func() { use(x.b) })
			done.Wait()
			return nil
		},
		right: func(x *borrowed) (err error) {
			var done sync.WaitGroup
			x.truncate()
			done.Go(func() { err = x.m.Borrow(use) })
			done.Wait()
			return err
		},
		plain: true, race: true,
	},
	"iterator": {
		instead: "next, stop := iter.Pull(slices.Values(s))", write: "for v := range slices.Values(s)",
		wrong: func(x *borrowed) error {
			next, stop := iter.Pull(slices.Values(x.s))
			defer stop()
			x.truncate()
			numberSink, _ = next()
			return nil
		},
		right: func(x *borrowed) error {
			x.truncate()
			for v := range slices.Values(x.s) {
				numberSink = v
			}
			return nil
		},
		plain: true, race: true,
	},
	"pipe": {
		instead: "pipe.Write(b)", write: "pipe.Write(bytes.Clone(b))",
		wrong: func(x *borrowed) error { return writeTo(x, x.truncate, func() []byte { return x.b }) },
		right: func(x *borrowed) error { return writeTo(x, x.truncate, func() []byte { return bytes.Clone(x.b) }) },
		plain: true, race: true,
	},
	"panic": {
		instead: "panic(str)", write: "panic(strings.Clone(str))",
		wrong: func(x *borrowed) error {
			x.truncate()
			x.after = func() { textSink = fmt.Sprint("the program recovered: ", x.thrown) }
			panic(x.str)
		},
		right: func(x *borrowed) error {
			x.truncate()
			x.after = func() { textSink = fmt.Sprint("the program recovered: ", x.thrown) }
			panic(strings.Clone(x.str))
		},
		plain: true, race: true,
	},
	"atomic": {
		instead: "atomic.StoreUint64(&s[0], v)", write: "err := mmap.AtomicStore(m, off, v)",
		wrong: func(x *borrowed) error {
			atomic.StoreUint64(&readOnly(x).s[0], 1)
			return nil
		},
		right: func(x *borrowed) error {
			return AtomicStore(readOnly(x).m, 0, uint64(1))
		},
		race: true,
	},
}

func use(b []byte) error {
	numberSink = uint64(b[0])
	return nil
}

// writeTo writes what p returns to a connection whose other end reads it.
func writeTo(x *borrowed, truncate func(), p func() []byte) error {
	from, to := net.Pipe()
	defer from.Close()
	defer to.Close()
	go to.Read(make([]byte, 1))
	truncate()
	_, err := from.Write(p())
	return err
}

// readOnly returns the same file, mapped for reading only.
func readOnly(x *borrowed) *borrowed {
	f, err := os.Open(x.m.Name())
	if err != nil {
		panic(err)
	}
	defer f.Close()
	m, err := Map(f, &Config{ReadOnly: true})
	if err != nil {
		panic(err)
	}
	return borrow(m, m.Bytes(), f)
}

func borrow(m *Mapping, b []byte, f *os.File) *borrowed {
	p := unsafe.Pointer(unsafe.SliceData(b))
	return &borrowed{
		m: m, b: b, s: unsafe.Slice((*uint64)(p), len(b)/8), str: unsafe.String((*byte)(p), 64),
		truncate: func() {
			if err := f.Truncate(0); err != nil {
				panic(err)
			}
		},
	}
}

// borrower maps the file Args[0], does in Borrow what Args[1] names, in the way Args[2],
// and says what Borrow returns.
var borrower = ipctest.Helper("borrower", func(c *ipctest.Control) error {
	f, err := os.OpenFile(c.Args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := Map(f, nil)
	if err != nil {
		return err
	}
	do := advices[c.Args[1]].right
	if c.Args[2] == "wrong" {
		do = advices[c.Args[1]].wrong
	}
	var x *borrowed
	func() {
		defer func() { x.thrown = recover() }()
		err = m.Borrow(func(b []byte) error {
			x = borrow(m, b, f)
			return do(x)
		})
	}()
	if x.after != nil {
		x.after()
	}
	c.Say("%s", verdict(err))
	return m.Close()
})

func verdict(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "gone"
	case errors.Is(err, os.ErrPermission):
		return "read-only"
	}
	return fmt.Sprint(err)
}

// What the documentation of Borrow says can't be caught kills a process, and what it
// says to write instead doesn't.
func TestWhatBorrowCantCatch(t *testing.T) {
	raced := ipctest.Slow() // there is no Wine here
	for name, a := range advices {
		t.Run(name, func(t *testing.T) {
			p := ipctest.Start(t, borrower, newFile(t, bytes.Repeat([]byte("x"), 4096)).Name(), name, "wrong")
			kills := a.plain && !raced || a.race && raced
			if err := p.Wait(); (err != nil) != kills {
				t.Errorf("%s: %v, while killing is %v; stderr: %s", a.instead, err, kills, p.Stderr())
			}
			p = ipctest.Start(t, borrower, newFile(t, bytes.Repeat([]byte("x"), 4096)).Name(), name, "right")
			if said := p.Hear(); said != "gone" && (name != "atomic" || said != "read-only") {
				t.Errorf("%s: %s", a.write, said)
			}
			if err := p.Wait(); err != nil {
				t.Errorf("%s: %v", a.write, err)
			}
		})
	}
}

// The documentation of Borrow lists what the test above shows, and nothing else.
func TestBorrowListsWhatItCantCatch(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "mapping.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "Borrow" {
			for line := range strings.SplitSeq(f.Doc.Text(), "\n") {
				if code, ok := strings.CutPrefix(line, "\t"); ok {
					lines = append(lines, strings.Join(strings.Fields(code), " "))
				}
			}
		}
	}
	want := []string{"instead of write"}
	for _, a := range advices {
		want = append(want, a.instead+" "+a.write)
	}
	slices.Sort(want)
	slices.Sort(lines)
	if !slices.Equal(lines, want) {
		t.Errorf("the documentation says\n%s\nand the test shows\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// inTruncated calls f in Borrow with memory that is gone.
func inTruncated(t *testing.T, f func(b []byte) error) error {
	t.Helper()
	file := newFile(t, pattern(4096))
	m := mustMap(t, file, nil)
	if err := file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	return m.Borrow(f)
}

func TestFaultRunsDeferredCallsOnly(t *testing.T) {
	var deferred, plain sync.Mutex
	err := inTruncated(t, func(b []byte) error {
		deferred.Lock()
		defer deferred.Unlock()
		plain.Lock()
		use(b)
		plain.Unlock()
		return nil
	})
	ipctest.WantError(t, err, io.ErrUnexpectedEOF)
	if !deferred.TryLock() || plain.TryLock() {
		t.Error("the fault did not end the function as a panic does")
	}
}

// first is a value whose String method touches memory.
type first []byte

func (f first) String() string { return string(f[:1]) }

func TestRecoverInsideTakesTheFault(t *testing.T) {
	err := inTruncated(t, func(b []byte) error {
		textSink = fmt.Sprint(first(b)) // fmt recovers what String methods panic with
		return nil
	})
	if err != nil || !strings.Contains(textSink, "PANIC") {
		t.Errorf("%q, %v", textSink, err)
	}
}

func TestSystemCallsReportMissingMemory(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	err = inTruncated(t, func(b []byte) error {
		_, err := out.Write(b)
		return err
	})
	if !errors.Is(err, unix.EFAULT) {
		t.Errorf("%v", err)
	}
}

// What looks as if it were of the list, and isn't.
func TestWhatBorrowCatches(t *testing.T) {
	for what, f := range map[string]func(b []byte) error{
		"read":           func(b []byte) error { return use(b) },
		"write":          func(b []byte) error { b[0] = 1; return nil },
		"copy":           func(b []byte) error { copy(make([]byte, 100), b); return nil },
		"append":         func(b []byte) error { numberSink = uint64(len(append([]byte("x"), b...))); return nil },
		"growth":         func(b []byte) error { numberSink = uint64(len(append(b[:len(b):len(b)], 1))); return nil },
		"clear":          func(b []byte) error { clear(b); return nil },
		"string":         func(b []byte) error { textSink = string(b); return nil },
		"concatenation":  func(b []byte) error { textSink = "a" + unsafe.String(&b[0], len(b)) + textSink; return nil },
		"comparison":     func(b []byte) error { numberSink = uint64(bytes.Compare(b, make([]byte, len(b)))); return nil },
		"interface":      func(b []byte) error { textSink = fmt.Sprint(*(*[4]uint64)(unsafe.Pointer(&b[0]))); return nil },
		"map lookup":     func(b []byte) error { numberSink = uint64(len(os.Getenv(unsafe.String(&b[0], 64)))); return nil },
		"map value":      func(b []byte) error { m := map[int]byte{}; m[1] = b[0]; return nil },
		"receive":        func(b []byte) error { c := make(chan byte, 1); c <- 1; b[0] = <-c; return nil },
		"argument of go": func(b []byte) error { go func(byte) {}(b[0]); return nil },
		"deferred call":  func(b []byte) error { defer use(b); return use(b) },
		"atomic":         func(b []byte) error { atomic.AddUint32((*uint32)(unsafe.Pointer(&b[0])), 1); return nil },
		"another's Borrow": func(b []byte) error {
			return mustMap(t, newFile(t, pattern(8)), nil).Borrow(func([]byte) error { return use(b) })
		},
	} {
		if err := inTruncated(t, f); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
