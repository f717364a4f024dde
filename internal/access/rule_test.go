//go:build unix

package access_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestAccess(t *testing.T) {
	me, myGroup := os.Geteuid(), os.Getegid()
	const other, otherGroup, filesGroup = 4711, 4712, 4714
	stranger := breezeway.Peer{UID: other, GID: otherGroup, Groups: []int{}}
	member := breezeway.Peer{UID: other, GID: otherGroup, Groups: []int{1, filesGroup}}
	unclear := breezeway.Peer{UID: other, GID: otherGroup} // the system doesn't tell its groups
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, -1, filesGroup); err != nil {
		ipctest.Missing(t, "this user can't give a file to another group:", err.Error())
	}
	file, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		mode  fs.FileMode
		allow []string
		peer  breezeway.Peer
		want  bool
	}{
		{"myself", 0, nil, breezeway.Peer{UID: me}, true},
		{"the superuser", 0, nil, breezeway.Peer{UID: 0}, true},
		{"a stranger", 0, nil, stranger, false},
		{"a stranger with 0600", 0o600, nil, stranger, false},
		{"an unknown user", 0, nil, breezeway.Peer{UID: -1, GID: -1}, false},
		{"a stranger by uid", 0, []string{strconv.Itoa(other)}, stranger, true},
		{"a stranger by gid", 0, []string{"@" + strconv.Itoa(otherGroup)}, stranger, true},
		{"a uid is no gid", 0, []string{strconv.Itoa(otherGroup), "@" + strconv.Itoa(other)}, stranger, false},
		{"somebody else's uid", 0, []string{"4713"}, stranger, false},
		{"group bits, not in the file's group", 0o660, nil, stranger, false},
		{"group bits, in the file's group", 0o660, nil, member, true},
		{"group bits, in my group", 0o660, nil, breezeway.Peer{UID: other, GID: myGroup, Groups: []int{}}, false},
		{"group bits, in unknown groups", 0o660, nil, unclear, true},
		{"group may only read", 0o640, nil, member, false},
		{"everybody", 0o666, nil, stranger, true},
		{"by a supplementary group", 0, []string{"@1"}, member, true},
		{"by a group, in unknown ones", 0, []string{"@1"}, unclear, true},
		{"in unknown groups, by no group", 0, []string{"4713"}, unclear, false},
	} {
		a, err := access.New(c.mode, c.allow, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = a.ForFile(file).Admit(c.peer)
		if (err == nil) != c.want || err != nil && !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestAccessSaysWho(t *testing.T) {
	a, _ := access.New(0, nil, nil)
	err := a.Admit(breezeway.Peer{UID: 4711})
	for _, want := range []string{"4711", "Config.Allow"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %s", err, want)
		}
	}
}

func TestAccessByName(t *testing.T) {
	a, err := access.New(0, []string{"root", "@root"}, nil)
	if err != nil {
		t.Skip("this system has no user and group named root: ", err)
	}
	if err := a.Admit(breezeway.Peer{UID: 4711, GID: 0, Groups: []int{}}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "@", "no such user at all", "@no such group"} {
		if _, err := access.New(0, []string{bad}, nil); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := access.New(fs.ModeSetuid|0o600, nil, nil); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
}
