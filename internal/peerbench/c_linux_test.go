package peerbench

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// bounce returns a cache line that two C programs bounce by bare spinning: the limit.
func bounce(t testing.TB) pair { return inC(t, "bounce", "bounce") }

// cSocket returns a Unix socket between C programs.
func cSocket(t testing.TB) pair { return inC(t, "C Unix socket", "socket") }

// cFutex returns words that C programs sleep on. They are for round trips.
func cFutex(t testing.TB) pair { return inC(t, "C futex", "futex") }

// inC compiles a C program that is a pair.
func inC(t testing.TB, name, source string, libraries ...string) pair {
	t.Helper()
	p := ipctest.C(t, "testdata/"+source+".c", libraries...)
	return func(t testing.TB, what traffic) bench.Contender {
		t.Helper()
		return program(t, name, p, what, filepath.Join(t.TempDir(), "object"))
	}
}

// inPlaces returns memory with so many places for messages each way, which two C programs
// fill and check by turns.
func inPlaces(t testing.TB, n int) pair {
	t.Helper()
	p := ipctest.C(t, "testdata/places.c")
	return func(t testing.TB, what traffic) bench.Contender {
		t.Helper()
		return program(t, fmt.Sprintf("%d places", n), p, what, strconv.Itoa(n))
	}
}

// memcpy copies messages within one C program: a limit.
func memcpy(t testing.TB) pair {
	t.Helper()
	p := ipctest.C(t, "testdata/memcpy.c")
	return func(t testing.TB, what traffic) bench.Contender {
		t.Helper()
		return driven("C memcpy", what.size, ipctest.StartCommand(t, p(strconv.Itoa(what.size))))
	}
}

func TestC(t *testing.T) {
	t.Run("socket", func(t *testing.T) { works(t, cSocket(t), every...) })
	t.Run("memcpy", func(t *testing.T) { works(t, memcpy(t), wayParked) })
	t.Run("places", func(t *testing.T) { works(t, inPlaces(t, 3), tripSpinning) })
	t.Run("futex", func(t *testing.T) { works(t, cFutex(t), tripParked) })
}

// BenchmarkBounce holds a ring of bytes with the smallest messages, and a connection with
// such that it is used for, against the limit.
func BenchmarkBounce(b *testing.B) {
	for name, c := range map[string]struct {
		ours pair
		size int
	}{"ring": {ourRing, 56}, "shmnet": {ourConn, 64}} {
		b.Run(name, func(b *testing.B) {
			what := traffic{spins: true, size: c.size}
			ipctest.Compare(b, c.ours(b, what), bounce(b)(b, what))
		})
	}
}

// BenchmarkPlaces holds messages that lie in one of several places, as those of a ring do,
// against messages that all lie in the same, and a ring against the former.
func BenchmarkPlaces(b *testing.B) {
	what := traffic{spins: true, size: 1 << 20}
	for _, n := range []int{2, 4, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ipctest.Compare(b, inPlaces(b, n)(b, what), inPlaces(b, 1)(b, what))
		})
	}
	b.Run("ring", func(b *testing.B) { ipctest.Compare(b, ourRing(b, what), inPlaces(b, 16)(b, what)) })
}

func BenchmarkCSocket(b *testing.B) {
	b.Run("shmnet", func(b *testing.B) { versus(b, ourConn, cSocket(b), every...) })
	b.Run("ring", func(b *testing.B) { versus(b, ourRing, cSocket(b), every...) })
}

func BenchmarkCFutex(b *testing.B) {
	b.Run("shmnet", func(b *testing.B) { versus(b, ourConn, cFutex(b), tripParked) })
	b.Run("ring", func(b *testing.B) { versus(b, ourRing, cFutex(b), tripParked) })
}

// BenchmarkMemcpy holds messages that are touched, and those that are copied in and out,
// against a copy within one process.
func BenchmarkMemcpy(b *testing.B) {
	copying := memcpy(b)
	for _, size := range []int{4 << 10, 1 << 20} {
		for _, what := range []traffic{
			{oneWay: true, spins: true, size: size},
			{oneWay: true, whole: true, spins: true, size: size},
		} {
			b.Run(what.String(), func(b *testing.B) {
				ipctest.Compare(b, ourRing(b, what), copying(b, what))
			})
		}
	}
}
