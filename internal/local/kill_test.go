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

// mortal listens at Args[0], admits those of Args[1:], and closes. It is to be killed
// on the way.
var mortal = ipctest.Helper("mortal", func(c *ipctest.Control) error {
	rule, err := access.New(0, c.Args[1:], nil)
	if err != nil {
		return err
	}
	l, err := Listen(c.Args[0], rule)
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
			first, err := Listen(path, access.Rule{})
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

			l, err := Listen(path, access.Rule{})
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

// A server that is killed before its socket has its rights leaves no wider ones.
func TestRightsWhenBound(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, rule := range []string{"@12345", "12345"} {
		cmd := ipctest.HelperCommand(t, mortal, path, rule)
		cmd.Env = append(cmd.Env, killpoint.Env+"=bound")
		ipctest.StartCommand(t, cmd).Wait()
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&^0o600 != 0 {
			t.Errorf("%s: %v", rule, info.Mode())
		}
	}
}
