package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// pair is connected for tests that can't do with less.
func pair(t testing.TB, clientCfg, serverCfg *Config) (client, server *Conn) {
	t.Helper()
	client, server, err := connected(t, clientCfg, serverCfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func query(t testing.TB, c *Conn) (info sys.PipeInfo) {
	t.Helper()
	err := c.s.f.Control(func(h windows.Handle) (err error) {
		info, err = sys.QueryPipe(h)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// Deadlines that cut reads off at any moment must not cost a byte.
func TestCancelLosesNothing(t *testing.T) {
	client, server := pair(t, nil, nil)
	const size = 60_000
	go func() {
		for sent := 0; sent < size; {
			n := min(1+rand.IntN(100), size-sent)
			if _, err := client.Write(pattern[sent:][:n]); err != nil {
				t.Error(err)
				return
			}
			sent += n
		}
		client.Close()
	}()
	var got bytes.Buffer
	cut := 0
	buf := make([]byte, 50)
	for {
		server.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(200)) * time.Microsecond))
		n, err := server.Read(buf)
		got.Write(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			cut++
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Bytes(), pattern[:size]) {
		t.Errorf("%d bytes of %d arrived, or not those", got.Len(), size)
	}
	if cut == 0 {
		t.Error("no read was cut off")
	}
}

// A deadline that moves while a Read is pending counts from where it moved.
func TestDeadlineMoves(t *testing.T) {
	client, server := pair(t, nil, nil)
	read := make(chan error)
	start := func() {
		go func() {
			_, err := server.Read(make([]byte, 1))
			read <- err
		}()
	}
	server.SetReadDeadline(time.Now().Add(time.Hour))
	start()
	server.SetReadDeadline(time.Now().Add(time.Millisecond))
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("brought forward: %v", err)
	}
	server.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	start()
	server.SetReadDeadline(time.Time{})
	select {
	case err := <-read:
		t.Errorf("removed: %v", err)
	case <-time.After(60 * time.Millisecond):
	}
	client.Write([]byte("x"))
	if err := <-read; err != nil {
		t.Errorf("removed, then data: %v", err)
	}
}

// Both directions of one connection are independent, as are calls of Close.
func TestCloseFromEverywhere(t *testing.T) {
	for range ipctest.Count(1000) {
		client, server, err := connected(t, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				if _, err := server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Read: %v", err)
				}
			})
			calls.Go(func() {
				var err error
				for err == nil {
					_, err = server.Write(make([]byte, 64<<10))
				}
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("Write: %v", err)
				}
			})
			calls.Go(func() {
				server.Write([]byte("x"))
				if err := server.Drain(context.Background()); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Drain: %v", err)
				}
			})
		}
		for range 2 {
			calls.Go(func() { server.Close() })
		}
		calls.Wait()
		client.Close()
	}
}

func TestMessageModeIsTheSystems(t *testing.T) {
	client, server := pair(t, messages, messages)
	for _, c := range []*Conn{client, server} {
		if info := query(t, c); info.Type != windows.FILE_PIPE_MESSAGE_TYPE {
			t.Errorf("%+v", info)
		}
	}
	// A program that doesn't use this package reads and writes whole messages.
	name := ipctest.UniqueName()
	l := mustListen(t, name, messages)
	h := rawClient(t, name, 0)
	defer windows.CloseHandle(h)
	c := mustAccept(t, l)
	var n uint32
	if err := windows.WriteFile(h, []byte("from a stranger"), &n, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := c.ReadMessage(nil); string(got) != "from a stranger" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	io.WriteString(c, "one")
	io.WriteString(c, "two")
	mode := uint32(windows.PIPE_READMODE_MESSAGE)
	if err := windows.SetNamedPipeHandleState(h, &mode, nil, nil); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if err := windows.ReadFile(h, buf, &n, nil); err != nil || string(buf[:n]) != "one" {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

func TestMessageModeDialsByteMode(t *testing.T) {
	name := ipctest.UniqueName()
	// Wine makes a pipe that refuses remote clients one of messages.
	l := mustListen(t, name, &Config{Remote: ipctest.UnderWine()})
	if _, err := Dial(context.Background(), name, messages); !errors.Is(err, breezeway.ErrMismatch) {
		t.Error(err)
	}
	mustAccept(t, l)
}

// The sender's limit is its own; the receiver keeps to ours.
func TestHostileMessage(t *testing.T) {
	for _, buffer := range []int{10, 1000} {
		client, server := pair(t, messages, &Config{Message: true, MaxMessage: 100})
		client.Write(make([]byte, 100))
		if got, err := server.ReadMessage(nil); len(got) != 100 || err != nil {
			t.Errorf("at the limit: %d bytes, %v", len(got), err)
		}
		client.Write(make([]byte, 101))
		buf := make([]byte, buffer)
		var err error
		total := 0
		for err == nil || err == ErrMoreData {
			var n int
			n, err = server.Read(buf)
			total += n
		}
		if !errors.Is(err, breezeway.ErrTooLarge) || total > 100 {
			t.Errorf("%d bytes, %v", total, err)
		}
		if _, err := server.Read(buf); !errors.Is(err, breezeway.ErrTooLarge) {
			t.Errorf("afterwards: %v", err)
		}
		server.Close()
		if _, err := server.Read(buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// What follows a message that was cut off would pass for the rest of it.
func TestCutMessage(t *testing.T) {
	client, server := pair(t, messages, messages)
	client.SetWriteDeadline(time.Now().Add(-time.Second))
	if _, err := client.Write([]byte("late")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past deadline: %v", err)
	}
	client.SetWriteDeadline(time.Time{})
	if _, err := io.WriteString(client, "whole"); err != nil {
		t.Errorf("nothing was cut, but: %v", err)
	}
	if got, err := server.ReadMessage(nil); string(got) != "whole" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	client.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := client.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("no peer reads: %v", err)
	}
	client.SetWriteDeadline(time.Time{})
	if _, err := io.WriteString(client, "next"); err == nil {
		t.Error("a message follows one that was cut off")
	} else {
		t.Log(err)
	}
	client.Close()
	if _, err := io.WriteString(client, "next"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// An empty Write in byte mode must neither look like the end nor wake a reader.
func TestEmptyWrite(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	h := rawClient(t, name, 0)
	defer windows.CloseHandle(h)
	server := mustAccept(t, l)
	if n, err := server.Write(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	var n uint32
	windows.WriteFile(h, nil, &n, nil)
	windows.WriteFile(h, []byte("x"), &n, nil)
	if n, err := server.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Error(n, err)
	}
	if n, err := server.Read(nil); n != 0 || err != nil {
		t.Errorf("into nothing: %d, %v", n, err)
	}
}

func TestDisconnect(t *testing.T) {
	client, server := pair(t, nil, nil)
	io.WriteString(server, "discarded")
	if err := server.Disconnect(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(client); len(got) > 0 || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := io.WriteString(client, "x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// Close, unlike Disconnect, leaves the other side what was written.
func TestCloseKeepsData(t *testing.T) {
	client, server := pair(t, nil, nil)
	for _, ends := range [][2]*Conn{{server, client}} {
		io.WriteString(ends[0], "kept")
		ends[0].Close()
		if got, err := io.ReadAll(ends[1]); string(got) != "kept" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestHalfClose(t *testing.T) {
	client, server := pair(t, nil, nil)
	for _, c := range []*Conn{client, server} {
		if err := c.CloseRead(); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
		if err := c.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
	io.WriteString(client, "still open")
	if n, err := server.Read(make([]byte, 20)); n != 10 || err != nil {
		t.Error(n, err)
	}
}

// A client that states no direction finds the one that the server lacks closed.
func TestOneWayServer(t *testing.T) {
	client, _ := pair(t, nil, &Config{Direction: In})
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read from a server that only reads: %d, %v", n, err)
	}
	client.Close()
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	client, _ = pair(t, nil, &Config{Direction: Out})
	if n, err := client.Write([]byte("x")); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("wrote to a server that only writes: %d, %v", n, err)
	}
}

func TestBufferSize(t *testing.T) {
	for want, cfg := range map[uint32]*Config{defaultBuffer: nil, 12345: {BufferSize: 12345}} {
		client, _ := pair(t, nil, cfg)
		if info := query(t, client); info.InboundQuota != want || info.OutboundQuota != want {
			t.Errorf("%+v: %+v", cfg, info)
		}
	}
}

// Drain tells what was lost from what was read, as far as the system knows.
func TestDrainAtTheEnd(t *testing.T) {
	client, server := pair(t, nil, nil)
	if err := client.Drain(context.Background()); err != nil {
		t.Errorf("nothing written: %v", err)
	}
	io.WriteString(client, "read")
	drained := make(chan error)
	go func() { drained <- client.Drain(context.Background()) }()
	io.ReadFull(server, make([]byte, 4))
	if err := <-drained; err != nil {
		t.Error(err)
	}
	server.Close()
	if err := client.Drain(context.Background()); err != nil {
		t.Errorf("all was known to be read: %v", err)
	}

	client, server = pair(t, nil, nil)
	io.WriteString(client, "lost")
	go func() { drained <- client.Drain(context.Background()) }()
	time.Sleep(20 * time.Millisecond) // until it waits, mostly
	server.Close()
	if err := <-drained; !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestNoAllocations(t *testing.T) {
	client, server := pair(t, nil, nil)
	out, in := make([]byte, 64), make([]byte, 64)
	allocs := testing.AllocsPerRun(100, func() {
		client.Write(out)
		server.Read(in)
	})
	if allocs > 0 {
		t.Errorf("%v allocations per message that had arrived", allocs)
	}
	go io.Copy(server, server)
	allocs = testing.AllocsPerRun(100, func() {
		client.Write(out)
		client.Read(in)
	})
	if allocs > 0 {
		t.Errorf("%v allocations per round trip", allocs)
	}
}

var getProcessHandleCount = windows.NewLazySystemDLL("kernel32.dll").NewProc("GetProcessHandleCount")

// handleCount tells how many handles are open. Wine doesn't count; there it
// tells how far up new handles go, which are made from the lowest free numbers.
func handleCount(t testing.TB) (n uint32) {
	t.Helper()
	if ok, _, err := getProcessHandleCount.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&n))); ok == 0 {
		t.Fatal(err)
	}
	if !ipctest.UnderWine() {
		return n
	}
	for range 20 {
		h, err := windows.CreateEvent(nil, 0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer windows.CloseHandle(h)
		n = max(n, uint32(h/4))
	}
	return n
}

// Handles of the runtime's threads come and go, so only what grows with the
// rounds is a leak.
func TestHandlesDontLeak(t *testing.T) {
	const rounds = 100
	before := handleCount(t)
	for range rounds {
		name := ipctest.UniqueName()
		l, err := Listen(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		client, err := Dial(context.Background(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.AcceptContext(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		client.Write([]byte("x"))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		client.Drain(ctx)
		client.SetReadDeadline(time.Now())
		client.Read(make([]byte, 1))
		if _, err := Dial(context.Background(), ipctest.UniqueName(), nil); err == nil {
			t.Fatal("connected, though no server listens")
		}
		if _, err := Listen(name, nil); err == nil {
			t.Fatal("took a name twice")
		}
		server.Disconnect()
		client.Close()
		l.Close()
	}
	if after := handleCount(t); after > before+rounds/2 {
		t.Errorf("%d handles, %d before", after, before)
	}
}

// TestSyscallConn has the handle asked, and nothing else.
func TestSyscallConn(t *testing.T) {
	client, _ := pair(t, nil, nil)
	raw, err := client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info sys.PipeInfo
	var asked error
	if err := raw.Control(func(h uintptr) { info, asked = sys.QueryPipe(windows.Handle(h)) }); err != nil || asked != nil {
		t.Fatal(err, asked)
	}
	if info.End != windows.FILE_PIPE_CLIENT_END {
		t.Errorf("end %d", info.End)
	}
	if err := raw.Read(func(uintptr) bool { return true }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Read: %v", err)
	}
	if err := raw.Write(func(uintptr) bool { return true }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Write: %v", err)
	}
	client.Close()
	if err := raw.Control(func(uintptr) { t.Error("called after Close") }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := client.SyscallConn(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SyscallConn after Close: %v", err)
	}
}
