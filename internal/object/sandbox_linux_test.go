package object

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// report says an error as the test that started the helper reads it: "ok", or which
// sentinel it wraps and its text.
func report(c *ipctest.Control, err error) {
	kind := "other"
	for name, sentinel := range map[string]error{"exists": fs.ErrExist, "absent": fs.ErrNotExist, "unsupported": errors.ErrUnsupported} {
		if errors.Is(err, sentinel) {
			kind = name
		}
	}
	if err == nil {
		c.Say("ok")
		return
	}
	c.Say("%s: %v", kind, err)
}

// wantUnsupported fails the test unless the next line is an error that says what is
// missing.
func wantUnsupported(t *testing.T, p *ipctest.Process, missing string) {
	t.Helper()
	if line := p.Hear(); !strings.HasPrefix(line, "unsupported: ") || !strings.Contains(line, missing) {
		t.Errorf("it says %q, want an error that is errors.ErrUnsupported and names %q", line, missing)
	}
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("there are the files %q, want %q", got, want)
	}
}

// creator makes the object args[0], allowing args[1], and uses it. If args[2] is "wait",
// it stays in fill until it is told to go on.
var creator = ipctest.Helper("creator", func(c *ipctest.Control) error {
	var allow []string
	if c.Args[1] != "" {
		allow = []string{c.Args[1]}
	}
	rule, err := access.New(0o640, allow, nil)
	if err != nil {
		return err
	}
	f, err := Create(c.Args[0], 100, rule, func(f *os.File) error {
		if c.Args[2] == "wait" {
			c.Say("filling")
			c.Hear()
		}
		_, err := f.WriteAt([]byte("whole"), 0)
		return err
	})
	report(c, err)
	if err != nil {
		return nil
	}
	defer f.Close()
	again, err := sys.Reopen(f)
	if err == nil {
		_, err = sys.TryLockByte(again, 1000)
		again.Close()
	}
	report(c, err)
	removed, err := IsRemoved(f)
	if removed {
		err = errors.New("removed")
	}
	report(c, err)
	_, err = Create(c.Args[0], 100, rule, nil)
	report(c, err)
	return nil
})

// An object is made in a slower way where the system can't link a file without a name.
func TestCreateWithoutALinkOfAnUnnamedFile(t *testing.T) {
	for _, missing := range []string{"O_TMPFILE", "O_TMPFILE flag", "proc", "proc,AT_EMPTY_PATH", "renameat2", "fallocate", "xattr", "O_TMPFILE,xattr,fallocate"} {
		t.Run(missing, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "object")
			p := ipctest.StartWithout(t, missing, creator, path, "", "")
			p.Expect("ok")
			p.Expect("ok")
			p.Expect("ok")
			if line := p.Hear(); !strings.HasPrefix(line, "exists: ") {
				t.Errorf("made twice: %s", line)
			}
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(path)
			if err != nil || len(text) != 100 || !bytes.HasPrefix(text, []byte("whole")) {
				t.Errorf("%q, %v", text, err)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode() != 0o640 {
				t.Errorf("%v, %v", info, err)
			}
			wantFiles(t, filepath.Dir(path), "object")
		})
	}
}

// Where no way is left, the error says what is missing, and nothing stays.
func TestCreateWithoutAnyWay(t *testing.T) {
	for missing, what := range map[string]string{
		"O_TMPFILE,renameat2":          "O_TMPFILE",
		"proc,AT_EMPTY_PATH,renameat2": "/proc/self/fd",
	} {
		t.Run(missing, func(t *testing.T) {
			dir := t.TempDir()
			wantUnsupported(t, ipctest.StartWithout(t, missing, creator, filepath.Join(dir, "object"), "", ""), what)
			wantFiles(t, dir)
		})
	}
}

// What a maker leaves that is killed before its object is complete is removed by the next
// maker. That of a living maker stays.
func TestTemporaryNameOfAKilledMaker(t *testing.T) {
	dir := t.TempDir()
	start := func(name, how string) *ipctest.Process {
		return ipctest.StartWithout(t, "O_TMPFILE", creator, filepath.Join(dir, name), "", how)
	}
	killed, living := start("killed", "wait"), start("living", "wait")
	killed.Expect("filling")
	living.Expect("filling")
	killed.Kill()
	if left, _ := filepath.Glob(filepath.Join(dir, temporaryPrefix+"*")); len(left) != 2 {
		t.Errorf("before the next maker there are %q", left)
	}
	if err := start("next", "").Wait(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, temporaryPrefix+"*")); len(left) != 1 {
		t.Errorf("after it there are %q", left)
	}
	living.Say("go on")
	if err := living.Wait(); err != nil {
		t.Error(err)
	}
	wantFiles(t, dir, "living", "next")
}

// Two makers of one object, in the slower way and in the usual one: one of them makes it.
func TestMakersInDifferentWays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "object")
	slow := ipctest.StartWithout(t, "O_TMPFILE", creator, path, "", "wait")
	slow.Expect("filling")
	f, err := Create(path, 10, access.Rule{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	slow.Say("go on")
	if line := slow.Hear(); !strings.HasPrefix(line, "exists: ") {
		t.Error(line)
	}
	wantFiles(t, filepath.Dir(path), "object")
}

func TestAllowOfAUserThatIsNotMapped(t *testing.T) {
	dir := t.TempDir()
	for allow, id := range map[string]string{"12345": "uid 12345", "@12345": "gid 12345"} {
		p := ipctest.StartInUserNamespace(t, creator, filepath.Join(dir, "object"), allow, "")
		wantUnsupported(t, p, id)
	}
	wantFiles(t, dir)
}

func TestAllowWithoutAccessControlLists(t *testing.T) {
	dir := t.TempDir()
	wantUnsupported(t, ipctest.StartWithout(t, "xattr", creator, filepath.Join(dir, "object"), "12345", ""), dir)
	wantFiles(t, dir)
}

// user does everything with the object args[0] of a directory.
var user = ipctest.Helper("user", func(c *ipctest.Control) error {
	path := filepath.Join(Directory, c.Args[0])
	_, err := Create(path+"-new", 10, access.Rule{}, nil)
	report(c, err)
	_, _, err = OpenOrCreate(path+"-new", 10, access.Rule{}, false, nil)
	report(c, err)
	_, err = Open(path, access.Rule{}, false)
	report(c, err)
	report(c, Remove(path))
	f, err := Open(path, access.Rule{}, true)
	report(c, err)
	if err == nil {
		err = f.Close()
	}
	return err
})

func TestSharedMemoryIsReadOnly(t *testing.T) {
	name := ipctest.UniqueName()
	f, err := Create(filepath.Join(Directory, name), 10, access.Rule{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer os.Remove(f.Name())
	p := ipctest.StartWithout(t, "writable /dev/shm", user, name)
	for range 4 {
		wantUnsupported(t, p, Directory)
	}
	p.Expect("ok")
}

// The directory of objects may be missing where it can't be made; another one is for the
// user to make.
func TestDirectoryIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	path := filepath.Join(dir, "object")
	_, created := Create(path, 10, access.Rule{}, nil)
	_, opened := Open(path, access.Rule{}, false)
	_, listed := ListFiles(dir, nil)
	for _, err := range []error{created, opened, listed} {
		if errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(fmt.Sprint(err), dir) {
			t.Error(err)
		}
	}
}

func TestWithoutSharedMemory(t *testing.T) {
	wantUnsupported(t, ipctest.StartWithout(t, "/dev/shm", creator, filepath.Join(Directory, "object"), "", ""), Directory)
}
