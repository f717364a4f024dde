package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// filesReader receives files, says what is in them, and sends a new file back.
var filesReader = ipctest.Helper("files reader", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), c.Args[0], c.Args[1], nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	buf := make([]byte, 100)
	n, files, err := conn.ReceiveFiles(buf, 4)
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		c.Say("%s: %s", buf[:n], text)
		f.Close()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	if _, err := conn.SendFiles([]byte("read"), r); err != nil {
		return err
	}
	r.Close()
	fmt.Fprint(w, "through a pipe")
	w.Close()
	c.Hear()
	return nil
})

// Open files cross to another process and back.
func TestFilesBetweenProcesses(t *testing.T) {
	for _, network := range []string{"unix", "unixpacket"} {
		t.Run(network, func(t *testing.T) {
			l := mustListen(t, endpoint{network: network, address: socketPath})
			p := ipctest.Start(t, filesReader, network, l.Addr().String())
			c, err := l.AcceptContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			files := []*os.File{openWith(t, "first"), openWith(t, "second")}
			if n, err := c.SendFiles([]byte("two"), files...); n != 3 || err != nil {
				t.Fatal(n, err)
			}
			p.Expect("two: first")
			p.Expect("two: second")
			buf := make([]byte, 10)
			n, got, err := c.ReceiveFiles(buf, 1)
			if err != nil || len(got) != 1 || string(buf[:n]) != "read" {
				t.Fatalf("%q, %v, %v", buf[:n], got, err)
			}
			defer got[0].Close()
			if text, err := io.ReadAll(got[0]); string(text) != "through a pipe" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// openWith returns an open file with a text.
func openWith(t testing.TB, text string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Whatever comes instead of what was agreed on, no descriptor stays.
func TestFilesLeakNothing(t *testing.T) {
	client, server := pair(t, endpoint{network: "unix", address: socketPath})
	f := openWith(t, "x")
	many := make([]*os.File, MaxFiles)
	for i := range many {
		many[i] = f
	}
	before := openDescriptors(t)
	buf := make([]byte, 10)
	for most, sent := range map[int]int{1: 2, 2: 3, 3: 4, 4: MaxFiles, MaxFiles - 1: MaxFiles} {
		if _, err := client.SendFiles([]byte("x"), many[:sent]...); err != nil {
			t.Fatal(err)
		}
		n, files, err := server.ReceiveFiles(buf, most)
		if n != 0 || files != nil || !errors.Is(err, breezeway.ErrTooLarge) {
			t.Errorf("%d files where %d are taken: %d, %v, %v", sent, most, n, files, err)
		}
	}
	// Read leaves them.
	if _, err := client.SendFiles([]byte("read"), many[:5]...); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Read(buf); n != 4 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	// As many as are allowed come.
	if _, err := client.SendFiles([]byte("x"), many...); err != nil {
		t.Fatal(err)
	}
	if _, files, err := server.ReceiveFiles(buf, MaxFiles); len(files) != MaxFiles || err != nil {
		t.Errorf("%d files, %v", len(files), err)
	} else {
		closeAll(files)
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

func openDescriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestFilesArguments(t *testing.T) {
	client, server := pair(t, endpoint{network: "unix", address: socketPath})
	f := openWith(t, "x")
	closed := openWith(t, "y")
	closed.Close()
	for name, files := range map[string][]*os.File{"nil": {f, nil}, "closed": {f, closed}} {
		if n, err := client.SendFiles([]byte("x"), files...); n != 0 || !errors.Is(err, os.ErrInvalid) && !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if _, err := client.SendFiles(nil, f); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
	if _, err := client.SendFiles([]byte("x"), make([]*os.File, MaxFiles+1)...); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Error(err)
	}
	for _, most := range []int{-1, 0, MaxFiles + 1} {
		if _, _, err := server.ReceiveFiles(make([]byte, 1), most); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%d: %v", most, err)
		}
	}
	tcp, _ := pair(t, endpoint{network: "tcp", address: func(testing.TB) string { return "127.0.0.1:0" }})
	if _, err := tcp.SendFiles([]byte("x"), f); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// A large message goes whole, with its file in front.
func TestFilesWithManyBytes(t *testing.T) {
	client, server := pair(t, endpoint{network: "unix", address: socketPath})
	sent := make(chan error, 1)
	f := openWith(t, "x")
	const size = 10 << 20
	go func() {
		n, err := client.SendFiles(make([]byte, size), f)
		if n != size && err == nil {
			err = fmt.Errorf("sent %d", n)
		}
		sent <- err
	}()
	buf := make([]byte, 64<<10)
	arrived, got := 0, 0
	for arrived < size {
		n, files, err := server.ReceiveFiles(buf, 1)
		if err != nil {
			t.Fatal(err)
		}
		arrived, got = arrived+n, got+len(files)
		closeAll(files)
	}
	if err := <-sent; err != nil || got != 1 {
		t.Errorf("%d files, %v", got, err)
	}
}
