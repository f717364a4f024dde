package shmnet

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// listening serves Args[0] until its standard input ends.
var listening = ipctest.Helper("listening", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer l.Close()
	c.Say("ready")
	for {
		conn, err := l.AcceptContext(context.Background())
		if err != nil {
			return err
		}
		defer conn.Close()
		c.Say("accepted")
	}
})

func TestListAndStatTellOfAServer(t *testing.T) {
	name := ipctest.UniqueName()
	if _, err := Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of none: %v", err)
	}
	server := ipctest.Start(t, listening, name)
	server.Hear()
	c, err := Dial(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server.Hear()
	info, err := Stat(name)
	if err != nil || info.Name != name || !info.Served || info.Stale || info.Connections != 1 || !slices.Equal(info.PIDs, []int{server.Process.Pid}) {
		t.Errorf("%+v, %v", info, err)
	}
	if listed := listed(t, name); listed.Path != info.Path || !listed.Served {
		t.Errorf("listed: %+v", listed)
	}
	pipes, err := pipe.List()
	if err != nil || slices.ContainsFunc(pipes, func(i pipe.Info) bool { return i.Path == info.Path }) {
		t.Errorf("the server is among the named pipes: %v, %v", pipes, err)
	}
	server.Kill()
	server.Wait()
	if info := listed(t, name); !info.Stale || info.Served || info.PIDs != nil {
		t.Errorf("of a killed server: %+v", info)
	}
	l, err := Listen(name, nil) // replaces what was left, and removes it
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestStatOfAPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := Stat(path); err != nil || info.Path != path || !slices.Equal(info.PIDs, []int{os.Getpid()}) {
		t.Errorf("%+v, %v", info, err)
	}
}

// listed returns what List tells of a name.
func listed(t *testing.T, name string) pipe.Info {
	t.Helper()
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(i pipe.Info) bool { return i.Name == name })
	if i < 0 {
		t.Fatalf("%s isn't listed", name)
	}
	return all[i]
}
