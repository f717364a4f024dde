package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// linked has a server listen at real/x in a directory of mode 0700, and a link to the
// directory real from another directory of the mode given.
func linked(t *testing.T, mode fs.FileMode) (through string) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"real", "links"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mustListen(t, filepath.Join(dir, "real", "x"))
	if err := os.Symlink("../real", filepath.Join(dir, "links", "l")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "links"), mode); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "links", "l", "x")
}

func dialLink(t *testing.T, path string) error {
	t.Helper()
	c, err := Dial(t.Context(), path, access.Rule{})
	if err == nil {
		c.Close()
	}
	return err
}

func TestDialFollowsLinksThatOnlyWeCanChange(t *testing.T) {
	for _, mode := range []fs.FileMode{0o700, 0o755, 0o777 | fs.ModeSticky} {
		if err := dialLink(t, linked(t, mode)); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

func TestDialRefusesLinksThatOthersCanReplace(t *testing.T) {
	for _, mode := range []fs.FileMode{0o777, 0o770, 0o720, 0o702} {
		if err := dialLink(t, linked(t, mode)); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("mode %v: %v, want fs.ErrPermission", mode, err)
		}
	}
}

var locates = ipctest.Helper("locates", func(c *ipctest.Control) error {
	if at, err := Locate(c.Args[0]); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("it leads to %q, %v, want fs.ErrPermission", at, err)
	}
	return nil
})

// In a user namespace the link's owner and the process have the same number, that of all
// users that the namespace lacks.
func TestLinksOfAUserThatTheNamespaceLacks(t *testing.T) {
	path := linked(t, 0o755)
	const inside, stranger = 65534, 12345
	cmd := ipctest.HelperCommand(t, locates, path)
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "only root can give a file to another user")
	}
	link := filepath.Dir(path)
	if err := errors.Join(os.Lchown(link, stranger, -1), os.Chown(filepath.Dir(link), stranger, -1)); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: 0, Size: 1}},
		Credential:  &syscall.Credential{Uid: inside, Gid: inside, NoSetGroups: true},
	}
	if err := ipctest.StartCommand(t, cmd).Wait(); err != nil {
		t.Error(err)
	}
}

// The last part of the path may be a link by the same rule.
func TestDialOfALinkToASocket(t *testing.T) {
	dir := t.TempDir()
	mustListen(t, filepath.Join(dir, "x"))
	link := filepath.Join(dir, "l")
	if err := os.Symlink("x", link); err != nil {
		t.Fatal(err)
	}
	if err := dialLink(t, link); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := dialLink(t, link); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("others can replace it: %v, want fs.ErrPermission", err)
	}
}

func TestListenRefusesLinksThatOthersCanReplace(t *testing.T) {
	path := linked(t, 0o777) + "2"
	if _, err := Listen(path, access.Rule{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v, want fs.ErrPermission", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it made a socket there")
	}
}

// A .. after a link leads to the parent of where the link leads.
func TestListenRefusesLinksBeforeDotDot(t *testing.T) {
	dir := filepath.Dir(linked(t, 0o777))
	path := dir + "/../y"
	if l, err := Listen(path, access.Rule{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("listens at %v, %v; want fs.ErrPermission", l, err)
	}
	if _, err := OpenFile(path, unix.O_RDONLY); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("OpenFile: %v, want fs.ErrPermission", err)
	}
}

// Each way to write a path leads to the same lock.
func TestCreatorsLockIsBesideTheSocket(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a/b", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{dir + "/a/x", dir + "/l/../x", "l/../x", "a//./x", "./a/x"} {
		unlock, err := lockCreators(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat("a/.breezeway.x.lock"); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		unlock()
	}
	if got, want := creatorsLockPath("x"), ".breezeway.x.lock"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPathsThatTheKernelWouldWalk(t *testing.T) {
	dir := t.TempDir()
	mustListen(t, filepath.Join(dir, "x"))
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("d/../d", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{dir + "/d/../x", dir + "//./x", dir + "/l/../x", "x", "./d/../x", "l/../x"} {
		if err := dialLink(t, path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		"loop": unix.ELOOP, "loop/x": unix.ELOOP, "none/x": unix.ENOENT, "none": unix.ENOENT, "x/x": unix.ENOTDIR, "d": unix.ENOTSOCK,
	} {
		if err := dialLink(t, path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// Something that replaces a directory after it was looked at is not followed.
func TestOpenLinklessFollowsNone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("d", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"l", "l/x", "l/.."} {
		if f, err := openLinkless(dir+"/"+path, unix.O_PATH); !isLink(err) {
			t.Errorf("%s: opened %v, %v", path, f, err)
		}
	}
}
