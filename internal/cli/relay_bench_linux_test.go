package cli

import (
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/socket"
)

// BenchmarkRelay holds relay between two Unix sockets against socat. An operation is 64 KiB
// that a client writes, and the server behind the relay reads.
func BenchmarkRelay(b *testing.B) {
	if _, err := exec.LookPath("socat"); err != nil {
		ipctest.Missing(b, "socat")
	}
	ours := relayContender(b, "ipc relay", func(near, far string) *exec.Cmd {
		return ipc(b, "relay", "unix://"+near, "unix://"+far)
	})
	ipctest.Compare(b, ours, relayContender(b, "socat", func(near, far string) *exec.Cmd {
		return exec.Command("socat", "UNIX-LISTEN:"+near, "UNIX-CONNECT:"+far)
	}))
}

// relayContender starts a relay, and moves bytes through it.
func relayContender(b *testing.B, name string, command func(near, far string) *exec.Cmd) bench.Contender {
	b.Helper()
	dir := b.TempDir()
	near, far := filepath.Join(dir, "near"), filepath.Join(dir, "far")
	l, err := net.Listen("unix", far)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	p := ipctest.StartCommand(b, command(near, far))
	client, err := socket.DialWait(b.Context(), "unix", near, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close() })
	server, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		server.Close()
		end(p)
	})
	const piece = 64 << 10
	data, buf := make([]byte, piece), make([]byte, piece)
	return bench.Contender{
		Name: name, Bytes: piece, Stream: true, PeerPID: p.Process.Pid,
		Run: func(n int) error {
			failed := make(chan error, 1)
			go func() {
				for range n {
					if _, err := client.Write(data); err != nil {
						server.SetReadDeadline(time.Now())
						failed <- err
						return
					}
				}
				failed <- nil
			}()
			for range n {
				if _, err := io.ReadFull(server, buf); err != nil {
					return err
				}
			}
			return <-failed
		},
	}
}
