package peerbench

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// boost returns two message queues of Boost.Interprocess, one for each way.
func boost(t testing.TB) pair {
	t.Helper()
	p := ipctest.CPlusPlus(t, "testdata/boost.cpp", "boost/interprocess/ipc/message_queue.hpp")
	return func(t testing.TB, what traffic) bench.Contender {
		t.Helper()
		return program(t, "Boost message_queue", p, what, ipctest.UniqueName())
	}
}

func TestBoost(t *testing.T) { works(t, boost(t), every...) }

func BenchmarkBoost(b *testing.B) { versus(b, ourRing, boost(b), every...) }
