package peerbench

import (
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// zeroMQ returns a pair of ZeroMQ's sockets, ipc://, between C programs.
func zeroMQ(t testing.TB) pair {
	t.Helper()
	if _, err := os.Stat("/usr/include/zmq.h"); err != nil {
		ipctest.Missing(t, "ZeroMQ is not installed (apt-get install libzmq3-dev)")
	}
	return inC(t, "ZeroMQ", "zeromq", "-lzmq")
}

func TestZeroMQ(t *testing.T) { works(t, zeroMQ(t), every...) }

func BenchmarkZeroMQ(b *testing.B) {
	b.Run("shmnet", func(b *testing.B) { versus(b, ourConn, zeroMQ(b), every...) })
	b.Run("ring", func(b *testing.B) { versus(b, ourRing, zeroMQ(b), every...) })
}
