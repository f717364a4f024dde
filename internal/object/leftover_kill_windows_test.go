//go:build killpoints

package object

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// creator makes the object Args[1] in the directory Args[0], and is to be killed on the
// way.
var creator = ipctest.Helper("creator", func(c *ipctest.Control) error {
	f, err := Create(filepath.Join(c.Args[0], c.Args[1]), 10, access.Rule{}, nil)
	if err != nil {
		return err
	}
	return f.Close()
})

// What creators leave that are killed just before they give their files a name is
// removed by the next one, and by none what a creator that lives is making.
func TestKillMatrixLeftOverFiles(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		cmd := ipctest.HelperCommand(t, creator, dir, "object")
		cmd.Env = append(cmd.Env, killpoint.Env+"=object kept")
		if p := ipctest.StartCommand(t, cmd); p.Wait() == nil {
			t.Fatalf("it did not die; stderr: %s", p.Stderr())
		}
		// That before has gone by now.
		if names := files(t, dir); len(names) != 1 || len(names[0]) != len(newPrefix)+26 {
			t.Fatalf("left: %q", names)
		}
	}
	for _, name := range []string{".new.short", ".new", "precious"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	making, others := make(chan error), make(chan error)
	killpoint.Stall("object kept", func() {
		cmd := ipctest.HelperCommand(t, creator, dir, "other")
		p := ipctest.StartCommand(t, cmd)
		others <- p.Wait()
	})
	go func() {
		f, err := Create(filepath.Join(dir, "object"), 10, access.Rule{}, nil)
		if err == nil {
			err = f.Close()
		}
		making <- err
	}()
	if err := <-others; err != nil {
		t.Error(err)
	}
	if err := <-making; err != nil {
		t.Error(err)
	}
	if names := files(t, dir); !slices.Equal(names, []string{".new", ".new.short", "object", "other", "precious"}) {
		t.Errorf("%q", names)
	}
}
