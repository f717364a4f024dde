package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// A relay without descriptors serves the clients that it has, and new ones when they leave.
func TestRelayOutOfDescriptors(t *testing.T) {
	p, url := relayed(t, unixURL(t), echo(t, unixURL(t)))
	const most = 40
	if err := unix.Prlimit(p.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
		t.Fatal(err)
	}
	first := dialed(t, url)
	echoes(t, first)
	others := make([]io.Closer, most)
	for i := range others {
		others[i] = dialed(t, url)
	}
	for n := 0; n < most-2; n = descriptorsOf(t, p) { // it has taken what it can
		time.Sleep(time.Millisecond)
	}
	echoes(t, first)
	for _, c := range others {
		c.Close()
	}
	for n := most; n > most/2; n = descriptorsOf(t, p) {
		time.Sleep(time.Millisecond)
	}
	echoes(t, dialed(t, url))
}

// echoes expects that what is written comes back.
func echoes(t *testing.T, conn io.ReadWriter) {
	t.Helper()
	io.WriteString(conn, "hello")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != "hello" {
		t.Errorf("%q came back, %v", buf, err)
	}
}

func descriptorsOf(t *testing.T, p *ipctest.Process) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// Clients that leave while B has no server yet are not kept; what others have sent is.
func TestRelayForgetsClientsThatLeft(t *testing.T) {
	far := unixURL(t)
	p, url := relayed(t, unixURL(t), far, "--retry")
	sent := dialed(t, url)
	io.WriteString(sent, "sent")
	sent.Close()
	for range 50 {
		dialed(t, url).Close()
	}
	for range 50 {
		var e relayEvent
		for e.Event != "error" {
			e = relayEventOf(t, p.Hear())
		}
		if !strings.Contains(e.Error, "left") {
			t.Errorf("%+v", e)
		}
	}
	l, _ := listened(t, far)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(ipctest.Patience))
	if text, err := io.ReadAll(conn); string(text) != "sent" {
		t.Errorf("%q, %v", text, err)
	}
}
