//go:build killpoints && unix

package local

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// points are all kill points on the way of a server from nothing to Listen and
// Close and nothing.
var points = []string{"creators locked", "stale removed", "bound", "mode set", "listening", "creators unlocking", "refusing", "unlinked"}

// mortal listens at Args[0] and closes, and is to be killed on the way.
var mortal = ipctest.Helper("mortal", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], 0o600)
	if err != nil {
		return err
	}
	return l.Close()
})

// Wherever a server is killed, the next one takes the name and leaves nothing.
func TestKillMatrix(t *testing.T) {
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "k")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "x")
			first, err := Listen(path, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			first.UnixListener.Close() // leaves its socket, as a killed server does

			cmd := ipctest.HelperCommand(t, mortal, path)
			cmd.Env = append(cmd.Env, killpoint.Env+"="+point)
			p := ipctest.StartCommand(t, cmd)
			p.Wait()
			if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("ended with %v, not at the kill point; stderr: %s", p.ProcessState, p.Stderr())
			}

			l, err := Listen(path, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Dial(context.Background(), path, access.Rule{})
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if err := os.Remove(dir); err != nil {
				t.Errorf("something was left: %v", err)
			}
		})
	}
}
