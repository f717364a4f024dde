package shmnet

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/sys/unix"
)

// ringWith sends what may be a bell, if there is room.
func ringWith(c *Conn, what []byte) {
	raw, err := c.door.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { unix.SendmsgN(int(fd), what, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT) })
}

func sendTo(door *pipe.Conn, p []byte, files ...*os.File) {
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	raw, err := door.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { unix.Sendmsg(int(fd), p, unix.UnixRights(fds...), nil, 0) })
}

// TestHostileServers offers what a client must not map.
func TestHostileServers(t *testing.T) {
	good := hello{shared: true, toClient: minBufferSize, toServer: minBufferSize}
	sealed := func(size int, seals int) func() *os.File {
		return func() *os.File {
			f, err := sys.Memfd("hostile")
			if err != nil {
				t.Fatal(err)
			}
			f.Truncate(int64(size))
			if err := sys.AddSeals(f, seals); err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	const both = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	for name, offered := range map[string]func() *os.File{
		"not sealed":        sealed(good.memorySize(), 0),
		"may shrink":        sealed(good.memorySize(), unix.F_SEAL_GROW),
		"may grow":          sealed(good.memorySize(), unix.F_SEAL_SHRINK),
		"too small":         sealed(good.memorySize()-1, both),
		"too large":         sealed(good.memorySize()+1, both),
		"empty":             sealed(0, both),
		"a device":          func() *os.File { f, _ := os.OpenFile("/dev/zero", os.O_RDWR, 0); return f },
		"a directory":       func() *os.File { f, _ := os.Open("/"); return f },
		"a file of tmpfs":   func() *os.File { f, _ := os.OpenFile("/dev/shm", unix.O_TMPFILE|os.O_RDWR, 0o600); return f },
		"reading only":      func() *os.File { f, _ := os.Open("/proc/self/exe"); return f },
		"one end of a pipe": func() *os.File { r, w, _ := os.Pipe(); w.Close(); return r },
	} {
		t.Run(name, func(t *testing.T) {
			f := offered()
			if f == nil {
				t.Fatal("there is none on this machine")
			}
			t.Cleanup(func() { f.Close() }) // after the server has ended
			name := fakeServer(t, func(door *pipe.Conn) { sendTo(door, good.encode(), f, f) })
			if c, err := Dial(context.Background(), name, nil); !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
	t.Run("sealed against writing", func(t *testing.T) {
		f := sealed(good.memorySize(), both|unix.F_SEAL_WRITE)()
		t.Cleanup(func() { f.Close() })
		name := fakeServer(t, func(door *pipe.Conn) {
			sendTo(door, good.encode(), f)
			door.Write([]byte{acceptPlain})
		})
		c, err := Dial(context.Background(), name, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if c.Transport() != Plain {
			t.Error(c.Transport())
		}
	})
}
