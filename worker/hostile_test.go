package worker

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/mq"
)

// newServer returns a worker's side within this process, and the parent's end.
func newServer(t *testing.T) (*server, net.Conn) {
	here, there := net.Pipe()
	t.Cleanup(func() { there.Close() })
	return &server{link: link{data: here, control: here}, in: frames{r: here}, ended: make(chan int, 1)}, there
}

// hostileVariable has a worker greet, and then answer as it must not.
const hostileVariable = "WORKER_TEST_HOSTILE"

// hostilities are what a hostile worker answers a call with, of which it gets the number.
var hostilities = map[string]func(call uint16) []byte{
	"garbage":      func(uint16) []byte { return noise(1 + rand.IntN(100_000)) },
	"few bytes":    func(uint16) []byte { return noise(3) },
	"huge":         func(call uint16) []byte { return rawFrame(1<<32-1, statusDone, call, nil) },
	"long":         func(call uint16) []byte { return rawFrame(maxBody, statusDone, call, noise(1000)) },
	"other call":   func(call uint16) []byte { return rawFrame(8, statusDone, call+1, make([]byte, 56)) },
	"twice":        func(call uint16) []byte { return append(hostileAnswer(call), hostileAnswer(call)...) },
	"no status":    func(call uint16) []byte { return rawFrame(56, 777, call, noise(56)) },
	"short result": func(call uint16) []byte { return rawFrame(3, statusDone, call, make([]byte, 56)) },
	"bad error":    func(call uint16) []byte { return rawFrame(56, statusFailed, call, noise(56)) },
	"refusal":      func(call uint16) []byte { return rawFrame(56, statusRefused, call, noise(56)) },
	"greeting":     func(call uint16) []byte { return rawFrame(56, statusHello, call, noise(56)) },
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func rawFrame(size uint32, what, call uint16, rest []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, size)
	b = binary.LittleEndian.AppendUint16(b, what)
	return append(binary.LittleEndian.AppendUint16(b, call), rest...)
}

func hostileAnswer(call uint16) []byte { return rawFrame(8, statusDone, call, make([]byte, 56)) }

// beHostile is the worker.
func beHostile(how string) {
	sp, ok, err := takeSpec()
	if !ok || err != nil {
		return
	}
	l, err := inheritLink(&sp)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	hello, _ := finishFrame(append(make([]byte, headerSize), greeting()...), 0, statusHello, 0)
	l.data.Write(hello)
	in := frames{r: l.data}
	for {
		h, _, err := in.next()
		if err != nil {
			os.Exit(1)
		}
		l.data.Write(hostilities[how](h.call))
	}
}

// Whatever a worker answers, the call ends, and the parent neither crashes nor takes much
// memory.
func TestHostileWorker(t *testing.T) {
	for how := range hostilities {
		t.Run(how, func(t *testing.T) {
			cfg := quiet(1)
			cfg.Env, cfg.Grace = []string{hostileVariable + "=" + how}, 10*time.Millisecond
			pool := newPool(t, cfg)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				_, err := square.Call(ctx, pool, 1)
				if err == nil && how != "twice" {
					t.Error("it is a result")
				}
				_, _ = upper.Call(ctx, pool, "x")
				for _, err := range square.Map(ctx, pool, func(yield func(int) bool) {
					for n := range 100 {
						if !yield(n) {
							return
						}
					}
				}) {
					if err == nil && how != "twice" {
						t.Error("it is a result of a Map")
					}
				}
				cancel()
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
				t.Errorf("it took %d MiB", n>>20)
			}
		})
	}
}

// recurse ends in a trace that is longer than what is kept.
var recurse = Define("recurse", func(_ context.Context, n int) (int, error) { return deeper(n), nil })

func deeper(n int) int {
	if n < 0 { // never
		return n
	}
	return deeper(n+1) + 1
}

func TestCrashSaysWhyBeforeALongTrace(t *testing.T) {
	pool := newPool(t, quiet(1))
	_, err := recurse.Call(t.Context(), pool, 1)
	if wantCrash(t, err); !strings.Contains(err.Error(), "stack overflow") {
		t.Error(err)
	}
}

// A large answer doesn't stay in memory.
func TestLargeAnswersAreGivenBack(t *testing.T) {
	pool := newPool(t, quiet(1))
	mustCall(t, echo, pool, everything{Bytes: make([]byte, 32<<20)})
	for _, p := range pool.processes() {
		if n := cap(p.in.buf); n > 1<<20 {
			t.Errorf("%d bytes stay", n)
		}
	}
}

// panicky is a codec that panics where it decodes a result.
type panicky struct{ mq.Codec[int] }

func (panicky) Decode([]byte) (int, error) { panic("no int") }

var undecoded = Define("undecoded", func(_ context.Context, n int) (int, error) { return n, nil }).Codecs(nil, panicky{mq.JSON[int]()})

// A codec's panic, which the program may recover from, doesn't take the worker with it.
func TestCodecPanics(t *testing.T) {
	pool := newPool(t, quiet(1))
	for range 2 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			undecoded.Call(t.Context(), pool, 1)
		}()
	}
	within(t, "Shutdown", func() { pool.Shutdown(t.Context()) })
}
