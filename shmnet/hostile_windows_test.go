package shmnet

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/sys/windows"
)

// ringWith sends what may be a bell, if there is room.
func ringWith(c *Conn, what []byte) { c.bells.bell.f.TryWrite(what) }

// offerNamed serves one client, which is told of memory whose name make has given to
// something.
func offerNamed(t *testing.T, make func(name string) (windows.Handle, error)) (server string) {
	t.Helper()
	good := hello{shared: true, toClient: minBufferSize, toServer: minBufferSize}
	var id sectionID
	rand.Read(id[:])
	local, _ := id.names()
	h, err := make(local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if h != 0 {
			windows.CloseHandle(h)
		}
	})
	return fakeServer(t, func(door *pipe.Conn) {
		door.Write(append(good.encode(), id[:]...))
		door.Write([]byte{acceptPlain})
	})
}

// named makes a section of its own kind with a name.
func named(file windows.Handle, protect uint32, size int) func(name string) (windows.Handle, error) {
	return func(name string) (windows.Handle, error) {
		n, err := windows.UTF16PtrFromString(name)
		if err != nil {
			return 0, err
		}
		return windows.CreateFileMapping(file, nil, protect, 0, uint32(size), n)
	}
}

// TestHostileServers offers what a client must not map.
func TestHostileServers(t *testing.T) {
	size := hello{toClient: minBufferSize, toServer: minBufferSize}.memorySize()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const secReserve = 0x4000000 // SEC_RESERVE
	none := windows.InvalidHandle
	for name, make := range map[string]func(string) (windows.Handle, error){
		"too small":   named(none, windows.PAGE_READWRITE|secReserve, size-4096),
		"too large":   named(none, windows.PAGE_READWRITE|secReserve, size+4096),
		"a file":      named(windows.Handle(f.Fd()), windows.PAGE_READWRITE, size),
		"half a file": named(windows.Handle(f.Fd()), windows.PAGE_READWRITE|secReserve, size),
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := Dial(context.Background(), offerNamed(t, make), nil); !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%v, %v", c, err)
			}
		})
	}
}

// TestMemoryThatCannotBeOpened goes on without it.
func TestMemoryThatCannotBeOpened(t *testing.T) {
	size := hello{toClient: minBufferSize, toServer: minBufferSize}.memorySize()
	for name, make := range map[string]func(string) (windows.Handle, error){
		"there is none": func(string) (windows.Handle, error) { return 0, nil },
		"an event": func(name string) (windows.Handle, error) {
			return windows.CreateEvent(nil, 1, 0, windows.StringToUTF16Ptr(name))
		},
		"for reading only": func(name string) (windows.Handle, error) {
			sd, err := windows.SecurityDescriptorFromString("D:P(A;;GR;;;WD)")
			if err != nil {
				return 0, err
			}
			attributes := windows.SecurityAttributes{SecurityDescriptor: sd}
			attributes.Length = uint32(unsafe.Sizeof(attributes))
			return sys.CreateReservedSection(name, int64(size), &attributes)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Dial(context.Background(), offerNamed(t, make), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.Transport() != Plain {
				t.Error(c.Transport())
			}
		})
	}
}

// TestNameIsGivenUp looks for the name of a connection's memory: once both ends have
// mapped it there is none.
func TestNameIsGivenUp(t *testing.T) {
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	local, global := server.memory.id.names()
	for _, name := range []string{local, global} {
		if h, err := sys.OpenReservedSection(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v", name, h, err)
		}
	}
}

// TestCommittedOnDemand looks at how much memory a connection takes.
func TestCommittedOnDemand(t *testing.T) {
	const size = 1 << 20
	client, server, err := connected(nil, &Config{BufferSize: size})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	for written, p := 0, make([]byte, 10<<10); written < 3*size; written += len(p) {
		least, most := min(written, size), max(2*written, commitStep)
		for end, ring := range map[string][]byte{"writer": client.out.data, "reader": server.in.data} {
			if got := committed(t, ring); got < least || got > most {
				t.Fatalf("%d bytes are committed at the %s after %d were written, want %d to %d", got, end, written, least, most)
			}
		}
		if _, err := client.Write(p); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(server, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := committed(t, client.in.data); got != 0 {
		t.Errorf("%d bytes are committed of the ring that was not used", got)
	}
}

// committed returns how many bytes at the start of b are committed.
func committed(t *testing.T, b []byte) (n int) {
	t.Helper()
	for n < len(b) {
		info := query(t, b[n:])
		if info.State != memCommit {
			break
		}
		n += int(info.RegionSize)
	}
	return min(n, len(b))
}

// TestPagesThatAreNotThere claims to have written where no page is.
func TestPagesThatAreNotThere(t *testing.T) {
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	atomic.StoreUint64(server.out.written, DefaultBufferSize)
	if n, err := io.ReadFull(client, make([]byte, DefaultBufferSize)); err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestFullPipe announces a reader and reads no bells: the pipe is full, and a Write that
// rings doesn't wait for it.
func TestFullPipe(t *testing.T) {
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	awaitShared(t, server)
	for n := 4096; n > 0; {
		switch _, err := server.bells.bell.f.TryWrite(make([]byte, n)); {
		case errors.Is(err, windows.ERROR_OPERATION_ABORTED):
			n /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
	atomic.StoreUint32(server.out.readerParked, 1)
	written := make(chan error, 1)
	go func() {
		_, err := server.Write(make([]byte, 10))
		written <- err
	}()
	select {
	case err := <-written:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(ipctest.Patience):
		t.Error("Write waits for the bell")
	}
}
