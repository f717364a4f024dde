package shm

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/unix"
)

// A received segment is used without protection only if this user made it, with storage
// for all of it and not of huge pages.
func TestProtectionOfReceivedSegments(t *testing.T) {
	const size, stranger = 2 << 20, 65534
	received := func(flags int, prepare ...func(f *os.File) error) *os.File {
		fd, err := unix.MemfdCreate("received", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|flags)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "received")
		t.Cleanup(func() { f.Close() })
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		for _, step := range append(prepare, func(f *os.File) error { return sys.AddSeals(f, fixed) }) {
			if err := step(f); err != nil {
				t.Fatal(err)
			}
		}
		return f
	}
	whole := func(f *os.File) error { return sys.Reserve(f, size) }
	opens := func(t *testing.T, f *os.File, fixed bool) {
		t.Helper()
		seg, err := OpenFile(f, size, nil)
		if errors.Is(err, unix.ENOMEM) {
			t.Skip("this machine has no huge pages: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		keep(t, seg)
		if seg.Fixed() != fixed {
			t.Errorf("Fixed is %v", seg.Fixed())
		}
		if v, err := mmap.Read[uint64](seg.Mapping, size-8); v != 0 || err != nil {
			t.Error(v, err)
		}
	}
	t.Run("ours", func(t *testing.T) { opens(t, received(0, whole), true) })
	t.Run("with holes", func(t *testing.T) { opens(t, received(0), false) })
	t.Run("huge pages", func(t *testing.T) { opens(t, received(unix.MFD_HUGETLB), false) })
	t.Run("of another user", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can give a file to another user")
		}
		opens(t, received(0, whole, func(f *os.File) error { return f.Chown(stranger, -1) }), false)
	})
	t.Run("what CreateUnnamed makes", func(t *testing.T) {
		seg, err := CreateUnnamed(size, nil)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, seg)
		if !seg.Fixed() {
			t.Error("it is protected")
		}
		opens(t, seg.File(), true)
	})
}

// A latest value is used without protection only if no other user can truncate its file,
// and no hole is in it.
func TestProtectionOfLatest(t *testing.T) {
	opened := func(prepare func(f *os.File) error, mode fs.FileMode, trust ...string) *Latest[picture] {
		l := openPicture(t, ipctest.UniqueName(), nil)
		if err := prepare(l.o.File); err != nil {
			t.Fatal(err)
		}
		return openPicture(t, l.o.name, &Config{Mode: mode, Trust: trust})
	}
	nothing := func(*os.File) error { return nil }
	regrown := func(f *os.File) error {
		info, err := f.Stat()
		return errors.Join(err, f.Truncate(4096), f.Truncate(info.Size()))
	}
	for what, c := range map[string]struct{ got, want bool }{
		"plain":                    {opened(nothing, 0).direct, true},
		"plain, opened for others": {opened(nothing, 0o660).direct, false},
		"for readers":              {opened(func(f *os.File) error { return f.Chmod(0o644) }, 0).direct, true},
		"for a group":              {opened(func(f *os.File) error { return f.Chmod(0o660) }, 0).direct, false},
		"with holes":               {opened(regrown, 0).direct, false},
	} {
		if c.got != c.want {
			t.Errorf("%s: direct is %v", what, c.got)
		}
	}
	if os.Geteuid() == 0 {
		stranger := func(f *os.File) error { return f.Chown(65534, -1) }
		if opened(stranger, 0, "65534").direct {
			t.Error("of another user: direct is true")
		}
	}
}

// ownShm is the command of a helper that can mount a /dev/shm of its own; see mountShm.
func ownShm(t *testing.T, helper string) *exec.Cmd {
	t.Helper()
	cmd := ipctest.HelperCommand(t, helper)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		}
	}
	if err := (&exec.Cmd{Path: "/bin/true", SysProcAttr: cmd.SysProcAttr}).Run(); err != nil {
		ipctest.Missing(t, "this process can't have a /dev/shm of its own:", err.Error())
	}
	return cmd
}

// mountShm gives this process, made by ownShm, a /dev/shm of a size such as 64m.
func mountShm(size string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount("tmpfs", "/dev/shm", "tmpfs", 0, "size="+size)
}

// large is a value whose slots are whole pages.
type large [1 << 20]byte

// holes makes a latest value, punches a hole into it, takes all memory that /dev/shm
// has left, and says what Load says then.
var holes = ipctest.Helper("latest value with holes", func(c *ipctest.Control) error {
	if err := mountShm("16m"); err != nil {
		return err
	}
	l, err := CreateLatest[large]("holes", nil)
	if err != nil {
		return err
	}
	w, err := l.TryWriter()
	if err != nil {
		return err
	}
	err = errors.Join(w.Store(large{7}), punch(l.o.File), fillShm(), l.Close())
	if err != nil {
		return err
	}
	if l, err = OpenLatest[large]("holes", nil); err != nil {
		return err
	}
	_, _, err = l.Load()
	c.Say("%v", errors.Is(err, io.ErrUnexpectedEOF))
	return l.Close()
})

// punch frees all pages of a file but the first.
func punch(f *os.File) error {
	return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 4096, 8<<20)
}

func fillShm() error {
	f, err := os.Create("/dev/shm/filler")
	if err != nil {
		return err
	}
	defer f.Close()
	page := make([]byte, os.Getpagesize())
	for err == nil {
		_, err = f.Write(page)
	}
	if errors.Is(err, unix.ENOSPC) {
		err = nil
	}
	return err
}

func TestHolesOfALatestValueDontKill(t *testing.T) {
	p := ipctest.StartCommand(t, ownShm(t, holes))
	p.Expect("true")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// truncated makes the latest value Args[0] with the mode Args[1], truncates its file, and
// says what Load says then.
var truncated = ipctest.Helper("truncated latest value", func(c *ipctest.Control) error {
	mode, err := strconv.ParseUint(c.Args[1], 8, 32)
	if err != nil {
		return err
	}
	l, err := CreateLatest[picture](c.Args[0], &Config{Mode: fs.FileMode(mode)})
	if err != nil {
		return err
	}
	if err := os.Truncate(l.o.File.Name(), 0); err != nil {
		return err
	}
	_, _, err = l.Load()
	c.Say("%v", errors.Is(err, io.ErrUnexpectedEOF))
	return nil
})

// docs/security.md: the processes of one user are trusted not to truncate each other's
// latest values.
func TestLatestTruncatedByTheSameUser(t *testing.T) {
	name := ipctest.UniqueName()
	defer Remove(KindLatest, name, nil)
	p := ipctest.Start(t, truncated, name, "600")
	if err := p.Wait(); err == nil || !strings.Contains(p.Stderr(), "SIGBUS") {
		t.Errorf("it was not killed: %v, %s", err, p.Stderr())
	}
	guarded := ipctest.UniqueName()
	defer Remove(KindLatest, guarded, nil)
	p = ipctest.Start(t, truncated, guarded, "660")
	p.Expect("true")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}
