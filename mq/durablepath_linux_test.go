package mq

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// stranger tries everything with the durable queue Args[0], and says what came of it.
var stranger = ipctest.Helper("stranger", func(c *ipctest.Control) error {
	var wrong []string
	for what, err := range attempt(c.Args[0]) {
		if !errors.Is(err, fs.ErrPermission) && !(what == "create" && errors.Is(err, fs.ErrExist)) {
			wrong = append(wrong, fmt.Sprintf("%s: %v", what, err))
		}
	}
	c.Say("%q", wrong)
	return nil
})

// asStranger returns a function that starts a helper as another user, nobody.
func asStranger(t *testing.T) (uid int, start func(helper string, args ...string) *ipctest.Process) {
	t.Helper()
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "only root can start another user's processes")
	}
	const nobody = 65534
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(openDir(t), "stranger") // go test builds where only this user can go
	if err := os.WriteFile(exe, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return nobody, func(helper string, args ...string) *ipctest.Process {
		cmd := ipctest.HelperCommand(t, helper, args...)
		cmd.Path, cmd.Dir = exe, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return ipctest.StartCommand(t, cmd)
	}
}

// openDir returns a directory of the test where every user can go.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Another user can't use a durable queue, nor make or remove one in a directory that it
// can't write, nor does this user trust one of another user.
func TestDurableQueueOfAnotherUser(t *testing.T) {
	uid, start := asStranger(t)
	dir := openDir(t)
	mine := filepath.Join(dir, "mine")
	q := mustOpen(t, mine, nil)
	mustSend(t, q, text("mine", 0))
	start(stranger, mine).Expect("[]")
	wantLen(t, q, 1)

	p := start(maker, filepath.Join(dir, "absent"))
	if line := p.Hear(); !strings.Contains(line, "permission true") || !strings.Contains(line, dir+" is not writable") {
		t.Error(line)
	}

	theirs := filepath.Join(dir, "theirs")
	if err := Remove(mine, nil); err != nil {
		t.Fatal(err)
	}
	other := mustOpen(t, theirs, nil)
	mustSend(t, other, text("theirs", 0))
	if err := os.Chown(theirs, uid, uid); err != nil {
		t.Fatal(err)
	}
	errs := attempt(theirs)
	ipctest.WantError(t, errs["create"], fs.ErrExist)
	delete(errs, "create")
	wantAll(t, errs, fs.ErrPermission, fmt.Sprint("uid ", uid))
	trusting, err := Open(theirs, &Config{Trust: []string{fmt.Sprint(uid)}})
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, mustReceive(t, trusting), "theirs")
	trusting.Close()
	if err := Remove(theirs, &Config{Trust: []string{fmt.Sprint(uid)}}); err != nil {
		t.Error(err)
	}
}

// maker makes the durable queue Args[0].
var maker = ipctest.Helper("maker", func(c *ipctest.Control) error {
	q, err := Create(c.Args[0], nil)
	if err == nil {
		err = q.Close()
	}
	c.Say("permission %v: %v", errors.Is(err, fs.ErrPermission), err)
	return nil
})

// A queue on a file system that is mounted read-only can't be used, nor made.
func TestDurableQueueOnReadOnlyFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		ipctest.Missing(t, "no file system can be mounted: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "jobs")
	q := mustCreate(t, path)
	mustSend(t, q, text("kept", 0))
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	for what, err := range attempt(path) {
		if what == "create" && errors.Is(err, fs.ErrExist) {
			continue
		}
		if !errors.Is(err, unix.EROFS) || strings.Contains(err.Error(), "tmpfs there") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := Create(filepath.Join(dir, "other"), nil)
	if !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "mounted read-only") {
		t.Error(err)
	}
	remount(0)
	q = reopen(t, path)
	wantBody(t, mustReceive(t, q), "kept")
	q.Close()
}

// A disk that is too small says so in the words of a disk.
func TestDurableQueueOnSmallDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		ipctest.Missing(t, "no file system can be mounted: "+err.Error())
	}
	defer unix.Unmount(dir, 0)
	_, err := Create(filepath.Join(dir, "jobs"), nil)
	ipctest.WantError(t, err, unix.ENOSPC, "the disk of "+dir)
}

func mustCreate(t *testing.T, path string) *LocalQueue {
	t.Helper()
	q, err := Create(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
