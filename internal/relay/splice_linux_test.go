package relay

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// unixPair returns the two ends of a Unix socket.
func unixPair(t *testing.T) (near, far *net.UnixConn) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

type socketConn interface {
	net.Conn
	CloseWrite() error
}

func socketStream(t *testing.T, c net.Conn) *Stream {
	t.Helper()
	s := streamOf(c)
	raw, err := c.(interface {
		net.Conn
		SyscallConn() (syscall.RawConn, error)
	}).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	s.Socket = raw
	return s
}

// pipes counts the descriptors of this process that are pipes.
func pipes(t *testing.T) (n int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		if target, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(target, "pipe:") {
			n++
		}
	}
	return n
}

// joinedSockets joins two sockets and returns their other ends.
func joinedSockets(t *testing.T, r *Relay, pair func(*testing.T) (near, far socketConn)) (client, server socketConn, result chan error) {
	t.Helper()
	client, first := pair(t)
	second, server := pair(t)
	return client, server, joined(t.Context(), r, socketStream(t, first), socketStream(t, second))
}

func eachSocket(t *testing.T, f func(t *testing.T, pair func(*testing.T) (near, far socketConn))) {
	t.Run("unix", func(t *testing.T) {
		f(t, func(t *testing.T) (near, far socketConn) { return unixPair(t) })
	})
	t.Run("tcp", func(t *testing.T) {
		f(t, func(t *testing.T) (near, far socketConn) { return connected(t) })
	})
}

// TestSplice passes much in both directions at once, in pieces of all sizes.
func TestSplice(t *testing.T) {
	eachSocket(t, func(t *testing.T, pair func(*testing.T) (near, far socketConn)) {
		r := new(Relay)
		before := pipes(t)
		client, server, result := joinedSockets(t, r, pair)
		const total = 48 << 20
		send := func(to socketConn, seed uint64) (sum [32]byte) {
			random := rand.New(rand.NewPCG(seed, 1))
			noise := rand.NewChaCha8([32]byte{byte(seed)})
			hash := sha256.New()
			data := make([]byte, 300_000)
			for sent := 0; sent < total; {
				piece := data[:min(1+random.IntN(len(data)), total-sent)]
				if random.IntN(4) == 0 {
					piece = piece[:min(len(piece), 10)]
				}
				noise.Read(piece)
				hash.Write(piece)
				if _, err := to.Write(piece); err != nil {
					t.Error(err)
					break
				}
				sent += len(piece)
			}
			to.CloseWrite()
			return [32]byte(hash.Sum(nil))
		}
		receive := func(from socketConn) (sum [32]byte) {
			hash := sha256.New()
			if n, err := io.Copy(hash, from); n != total || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			return [32]byte(hash.Sum(nil))
		}
		sums := make(chan [2][32]byte, 2)
		for _, way := range []struct{ from, to socketConn }{{client, server}, {server, client}} {
			go func() {
				sent := make(chan [32]byte, 1)
				go func() { sent <- send(way.from, 7) }()
				got := receive(way.to)
				sums <- [2][32]byte{got, <-sent}
			}()
		}
		for range 2 {
			if sum := <-sums; sum[0] != sum[1] {
				t.Error("what arrived is not what was sent")
			}
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
		if there, back := r.Bytes[There].Load(), r.Bytes[Back].Load(); there != total || back != total {
			t.Errorf("%d and %d bytes were counted, want %d", there, back, total)
		}
		if left := pipes(t) - before; left != 0 {
			t.Errorf("%d ends of pipes are left", left)
		}
	})
}

// TestSpliceBegins has a pipe between two sockets once much passes, and none before.
func TestSpliceBegins(t *testing.T) {
	eachSocket(t, func(t *testing.T, pair func(*testing.T) (near, far socketConn)) {
		before := pipes(t)
		client, server, result := joinedSockets(t, new(Relay), pair)
		pass := func(n int) {
			t.Helper()
			go client.Write(make([]byte, n))
			if _, err := io.ReadFull(server, make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		pass(100)
		if n := pipes(t) - before; n != 0 {
			t.Errorf("%d ends of pipes for little", n)
		}
		for deadline := time.Now().Add(10 * time.Second); pipes(t)-before != 2; {
			if time.Now().After(deadline) {
				t.Fatalf("%d ends of pipes for much", pipes(t)-before)
			}
			pass(4 << 20)
		}
		client.Close()
		server.Close()
		if err := <-result; err != nil && !isClosed(err) {
			t.Error(err)
		}
	})
}

// spliced passes on much, until there is a pipe between the two sockets, and no more comes.
func spliced(t *testing.T, client, server socketConn) {
	t.Helper()
	const n = 4 << 20
	for before := pipes(t); pipes(t)-before != 2; {
		go client.Write(make([]byte, n))
		server.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.ReadFull(server, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSpliceUrgent passes on what comes behind urgent data, at which splice stops.
func TestSpliceUrgent(t *testing.T) {
	eachSocket(t, func(t *testing.T, pair func(*testing.T) (near, far socketConn)) {
		for _, ended := range []bool{false, true} {
			client, server, result := joinedSockets(t, new(Relay), pair)
			spliced(t, client, server)
			io.WriteString(client, "before")
			urgent(t, client)
			io.WriteString(client, ", after")
			if ended {
				client.CloseWrite()
			}
			got := make([]byte, len("before, after"))
			server.SetReadDeadline(time.Now().Add(10 * time.Second))
			if n, err := io.ReadFull(server, got); string(got) != "before, after" {
				t.Errorf("ended %v: %q came, %v", ended, got[:n], err)
			}
			client.Close()
			server.Close()
			if err := <-result; err != nil && !isClosed(err) {
				t.Error(err)
			}
		}
	})
}

// urgent sends a byte of urgent data, which Read doesn't return.
func urgent(t *testing.T, c socketConn) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.Sendto(int(fd), []byte("!"), unix.MSG_OOB, nil) })
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// TestSpliceEnds closes either end while much passes.
func TestSpliceEnds(t *testing.T) {
	eachSocket(t, func(t *testing.T, pair func(*testing.T) (near, far socketConn)) {
		for _, closed := range []string{"client", "server"} {
			t.Run(closed, func(t *testing.T) {
				client, server, result := joinedSockets(t, new(Relay), pair)
				go func() {
					data := make([]byte, 1<<20)
					for {
						if _, err := client.Write(data); err != nil {
							return
						}
					}
				}()
				if _, err := io.CopyN(io.Discard, server, 64<<20); err != nil {
					t.Fatal(err)
				}
				map[string]socketConn{"client": client, "server": server}[closed].Close()
				if closed == "client" {
					if _, err := io.Copy(io.Discard, server); err != nil {
						t.Error(err)
					}
					server.Close()
				}
				client.Close()
				if err := <-result; err != nil && !isClosed(err) {
					t.Error(err)
				}
			})
		}
	})
}

// TestSpliceIsTold passes on that nothing more comes, and the answer after that.
func TestSpliceIsTold(t *testing.T) {
	eachSocket(t, func(t *testing.T, pair func(*testing.T) (near, far socketConn)) {
		client, server, result := joinedSockets(t, new(Relay), pair)
		question := bytes.Repeat([]byte("question "), 1<<20)
		go func() {
			client.Write(question)
			client.CloseWrite()
		}()
		if asked, err := io.ReadAll(server); !bytes.Equal(asked, question) || err != nil {
			t.Errorf("the server got %d bytes, %v", len(asked), err)
		}
		io.WriteString(server, "the answer")
		server.Close()
		if answer, err := io.ReadAll(client); string(answer) != "the answer" || err != nil {
			t.Errorf("the client got %q, %v", answer, err)
		}
		client.Close()
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

// TestSpliceLeavesDescriptors has more idle connections than may have a pipe.
func TestSpliceLeavesDescriptors(t *testing.T) {
	const most = 12
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 16 * most, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	before := pipes(t)
	pair := func(t *testing.T) (near, far socketConn) { return unixPair(t) }
	for i := range most + 3 {
		client, server, result := joinedSockets(t, new(Relay), pair)
		defer func() {
			client.Close()
			server.Close()
			<-result
		}()
		if i < most {
			spliced(t, client, server)
			continue
		}
		const n = 16 << 20
		go client.Write(make([]byte, n))
		if _, err := io.ReadFull(server, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if n := (pipes(t) - before) / 2; n != most {
		t.Errorf("%d pipes, want %d", n, most)
	}
}

// TestSpliceWithoutDescriptors copies when the process can't have a pipe.
func TestSpliceWithoutDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	eachSocket(t, func(t *testing.T, pair func(*testing.T) (near, far socketConn)) {
		client, server, result := joinedSockets(t, new(Relay), pair)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
		const n = 16 << 20
		go func() {
			client.Write(make([]byte, n))
			client.CloseWrite()
		}()
		got, err := io.Copy(io.Discard, server)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		if got != n || err != nil {
			t.Errorf("%d bytes, %v", got, err)
		}
		server.Close()
		client.Close()
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}
