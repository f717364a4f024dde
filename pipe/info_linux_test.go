package pipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// find returns what List tells of a pipe.
func find(t *testing.T, name string) (Info, bool) {
	t.Helper()
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(i Info) bool { return i.Name == name })
	if i < 0 {
		return Info{}, false
	}
	return all[i], true
}

// What is told of a server is told without a connection.
func TestStatTellsOfAServerWithoutConnecting(t *testing.T) {
	name := ipctest.UniqueName()
	if _, err := Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of none: %v", err)
	}
	l, err := Listen(name, &Config{Mode: 0o640})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	expect := func(waiting, connections int) {
		t.Helper()
		info, err := Stat(name)
		if listed, ok := find(t, name); err != nil || !ok || listed.Path != info.Path {
			t.Errorf("%v; listed: %v %+v", err, ok, listed)
		}
		if info.Name != name || info.Path != l.Addr().String() || info.Mode != 0o640 || info.Stale || info.Owner != "0" && os.Geteuid() == 0 ||
			!slices.Equal(info.PIDs, []int{os.Getpid()}) || info.Waiters != waiting || info.Connections != connections {
			t.Errorf("%+v; want %d waiting, %d connections", info, waiting, connections)
		}
	}
	expect(0, 0)
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	expect(1, 0)
	s, err := l.AcceptContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	expect(0, 1)
}

func TestStatTellsWhatAKilledServerLeft(t *testing.T) {
	name := ipctest.UniqueName()
	l, err := Listen(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := l.Addr().String()
	l.Close()
	// What a killed server leaves is a socket without a process.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	defer os.Remove(path)
	if info, err := Stat(name); err != nil || !info.Stale || info.PIDs != nil {
		t.Errorf("%+v, %v", info, err)
	}
}

// Names of sockets may hold whatever looks like the system's own words.
func TestStatIsNotDeceivedByNames(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	leaveStale(t, path)
	defer os.Remove(path)
	for _, line := range []string{
		": 2 0 10000 1 1 1 " + path,
		fmt.Sprintf("%016x: 00000002 00000000 00010000 0001 01 12345 %s", 0, path),
	} {
		l, err := net.Listen("unix", "@a\n"+line)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := Stat(path); err != nil || !info.Stale || info.Waiters > 0 || info.Connections > 0 {
			t.Errorf("%q: %+v, %v; want stale", line, info, err)
		}
		l.Close()
	}
}

// A server that lost its name is not the one of the socket that has the name now.
func TestStatTellsTheServersOfOneNameApart(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	former, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer former.Close()
	former.(*net.UnixListener).SetUnlinkOnClose(false)
	before, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	leaveStale(t, path)
	if info, err := Stat(path); err != nil || !info.Stale || info.PIDs != nil || info.Waiters > 0 {
		t.Errorf("of a stale socket: %+v, %v", info, err)
	}
	l := mustListen(t, path, nil)
	defer l.Close()
	if info, err := Stat(path); err != nil || info.Stale || info.Waiters != 0 || info.Connections != 0 {
		t.Errorf("of the new server: %+v, %v", info, err)
	}
}

// A socket is told of by whichever path leads to it.
func TestStatOfARenamedSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	l, err := net.Listen("unix", path+".new")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	if info, err := Stat(path); err != nil || info.Waiters != 0 || !slices.Equal(info.PIDs, []int{os.Getpid()}) {
		t.Errorf("%+v, %v", info, err)
	}
}
