package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// mostMemory returns how many bytes a process had in memory at most.
func mostMemory(t testing.TB, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(text, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// A packet arrives whole, and as one packet.
func TestRelayKeepsPacketsWhole(t *testing.T) {
	l, far := listened(t, unixURL(t)+"?packets")
	_, near := relayed(t, unixURL(t)+"?packets", far)
	client := dialed(t, near)
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.SetReadDeadline(time.Now().Add(ipctest.Patience))
	got := make([]byte, 1<<20)
	for _, size := range []int{1, 64 << 10, 64<<10 + 1, 150 << 10} {
		packet := bytes.Repeat([]byte("p"), size)
		if _, err := client.Write(packet); err != nil {
			t.Fatal(err)
		}
		if n, err := server.Read(got); !bytes.Equal(got[:n], packet) {
			t.Errorf("%d bytes arrived of a packet of %d, %v", n, size, err)
		}
	}
}

// Events of the only connection that couldn't be printed are an error.
func TestRelayTellsOfLostEvents(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	fifo := "fifo://" + filepath.Join(t.TempDir(), "fifo")
	succeed(t, "", "create", fifo)
	cmd := ipc(t, "relay", fifo, createSync(t, "mq"), "--json")
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = full, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "send", fifo, "text")
	cmd.Wait() // its code tells
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(stderr.String(), syscall.ENOSPC.Error()) {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
}
