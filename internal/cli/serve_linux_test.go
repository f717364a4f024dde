package cli

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestServeAnswersAClientThatSendsMore has a client receive the last answer slowly, after
// which what it has sent is not read.
func TestServeAnswersAClientThatSendsMore(t *testing.T) {
	server := start(t, "serve", "tcp://127.0.0.1:0", "--json", "--echo", "--lines", "--count", "1")
	address := parse(t, server.Hear()).Address
	client := dialSlow(t, address)
	line := strings.Repeat("x", 300_000) + "\n"
	io.WriteString(client, line+strings.Repeat("more", 50_000))
	server.Hear()
	if answer, err := io.ReadAll(client); string(answer) != line {
		t.Errorf("%d bytes came back of %d: %v", len(answer), len(line), err)
	}
	expectEnd(t, server, 0)
}

// TestServeSendsWhatACommandPrinted has a command leave most of its input unread.
func TestServeSendsWhatACommandPrinted(t *testing.T) {
	const n = 300_000
	server := start(t, "serve", "tcp://127.0.0.1:0", "--json", "--exec", fmt.Sprintf("head -c %d /dev/zero", n))
	defer end(server)
	address := parse(t, server.Hear()).Address
	for range 5 {
		client := dialSlow(t, address)
		go client.Write(make([]byte, 3<<20))
		if answer, err := io.ReadAll(client); len(answer) != n {
			t.Errorf("%d bytes came of %d: %v", len(answer), n, err)
		}
	}
}

// dialSlow returns a connection that takes little at a time.
func dialSlow(t *testing.T, address string) net.Conn {
	t.Helper()
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10) })
	}}
	client, err := small.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}
