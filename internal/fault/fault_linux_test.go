package fault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

const (
	size     = 2 * 4096
	stranger = 65534

	fixed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
)

// memory is a file whose memory a process maps.
type memory struct {
	t *testing.T
	*os.File
}

func regular(t *testing.T) *memory {
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), os.O_CREATE|os.O_RDWR, 0o600)
	return keep(t, f, err)
}

// shared is what a named segment is: a file of tmpfs.
func shared(t *testing.T) *memory {
	fd, err := unix.Open("/dev/shm", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	return keep(t, os.NewFile(uintptr(fd), "/dev/shm/…"), err)
}

func memfd(t *testing.T) *memory { return memfdOf(t, 0) }

// hugetlb has no storage: that would take huge pages, of which machines have none.
func hugetlb(t *testing.T) *memory { return memfdOf(t, unix.MFD_HUGETLB) }

func memfdOf(t *testing.T, flags int) *memory {
	fd, err := unix.MemfdCreate("memory", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|flags)
	return keep(t, os.NewFile(uintptr(fd), "memfd"), err)
}

func keep(t *testing.T, f *os.File, err error) *memory {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &memory{t, f}
}

// must returns m if what was done to it has succeeded.
func (m *memory) must(err error) *memory {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
	return m
}

// whole has storage for all of its bytes.
func (m *memory) whole() *memory { return m.must(unix.Fallocate(int(m.Fd()), 0, 0, size)) }

// length adds a hole to what is shorter.
func (m *memory) length(n int64) *memory { return m.must(m.Truncate(n)) }

func (m *memory) mode(mode fs.FileMode) *memory { return m.must(m.Chmod(mode)) }

func (m *memory) owner(uid int) *memory {
	m.t.Helper()
	if os.Geteuid() != 0 {
		m.t.Skip("only root can give a file to another user")
	}
	return m.must(m.Chown(uid, -1))
}

func (m *memory) seal(seals int) *memory {
	_, err := unix.FcntlInt(m.Fd(), unix.F_ADD_SEALS, seals)
	return m.must(err)
}

func (m *memory) punch() error {
	return unix.Fallocate(int(m.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096)
}

// TestPossible lists the kinds of memory, what a process that has the descriptor can do
// to each, and whether it is then touched directly or with a guard.
func TestPossible(t *testing.T) {
	file := func(t *testing.T) *memory { return regular(t).whole() }
	segment := func(t *testing.T) *memory { return shared(t).whole() }
	unsealed := func(t *testing.T) *memory { return memfd(t).whole().mode(0o600) }
	whole := func(t *testing.T) *memory { return memfd(t).whole() }
	for what, c := range map[string]struct {
		make      func(t *testing.T) *memory
		can       string // what a process can do to it
		any, user string // how it is touched: with NoProcess, and with ThisUser
	}{
		"file":                 {file, "truncate, punch", "guarded", "direct"},
		"file, read by all":    {func(t *testing.T) *memory { return file(t).mode(0o644) }, "truncate, punch", "guarded", "direct"},
		"file of a group":      {func(t *testing.T) *memory { return file(t).mode(0o660) }, "truncate, punch", "guarded", "guarded"},
		"file of all":          {func(t *testing.T) *memory { return file(t).mode(0o602) }, "truncate, punch", "guarded", "guarded"},
		"file of a stranger":   {func(t *testing.T) *memory { return file(t).owner(stranger) }, "truncate, punch", "guarded", "guarded"},
		"file with holes":      {func(t *testing.T) *memory { return regular(t).length(size) }, "truncate, punch", "guarded", "guarded"},
		"file, too short":      {func(t *testing.T) *memory { return file(t).length(4096) }, "truncate, punch", "guarded", "guarded"},
		"file, truncated once": {func(t *testing.T) *memory { return file(t).length(0).length(size) }, "truncate, punch", "guarded", "guarded"},

		"segment":               {segment, "truncate, punch", "guarded", "direct"},
		"segment of a group":    {func(t *testing.T) *memory { return segment(t).mode(0o660) }, "truncate, punch", "guarded", "guarded"},
		"segment of a stranger": {func(t *testing.T) *memory { return segment(t).owner(stranger) }, "truncate, punch", "guarded", "guarded"},
		"segment with holes":    {func(t *testing.T) *memory { return shared(t).length(size) }, "truncate, punch", "guarded", "guarded"},

		"memfd":                        {unsealed, "truncate, punch", "guarded", "direct"},
		"memfd of all":                 {func(t *testing.T) *memory { return unsealed(t).mode(0o666) }, "truncate, punch", "guarded", "guarded"},
		"memfd sealed against growing": {func(t *testing.T) *memory { return unsealed(t).seal(unix.F_SEAL_GROW) }, "truncate, punch", "guarded", "direct"},

		"sealed":                {func(t *testing.T) *memory { return whole(t).seal(fixed) }, "punch", "direct", "direct"},
		"sealed, of all":        {func(t *testing.T) *memory { return whole(t).mode(0o666).seal(fixed) }, "punch", "direct", "direct"},
		"sealed, of a stranger": {func(t *testing.T) *memory { return whole(t).owner(stranger).seal(fixed) }, "punch", "guarded", "guarded"},
		"sealed with holes":     {func(t *testing.T) *memory { return memfd(t).length(size).seal(fixed) }, "punch", "guarded", "guarded"},
		"sealed, punched":       {func(t *testing.T) *memory { m := whole(t).seal(fixed); return m.must(m.punch()) }, "punch", "guarded", "guarded"},
		"sealed, too short":     {func(t *testing.T) *memory { return whole(t).length(4096).seal(fixed) }, "punch", "guarded", "guarded"},

		"sealed against writing":                {func(t *testing.T) *memory { return whole(t).seal(fixed | unix.F_SEAL_WRITE) }, "", "direct", "direct"},
		"sealed against new writers":            {func(t *testing.T) *memory { return whole(t).seal(fixed | unix.F_SEAL_FUTURE_WRITE) }, "", "direct", "direct"},
		"sealed against writing, with holes":    {func(t *testing.T) *memory { return memfd(t).length(size).seal(fixed | unix.F_SEAL_WRITE) }, "", "guarded", "guarded"},
		"sealed against writing, of a stranger": {func(t *testing.T) *memory { return whole(t).owner(stranger).seal(fixed | unix.F_SEAL_WRITE) }, "", "guarded", "guarded"},

		"huge pages":                         {func(t *testing.T) *memory { return hugetlb(t).length(2 << 20) }, "truncate, punch", "guarded", "guarded"},
		"huge pages, sealed":                 {func(t *testing.T) *memory { return hugetlb(t).length(2 << 20).seal(fixed) }, "punch", "guarded", "guarded"},
		"huge pages, sealed against writing": {func(t *testing.T) *memory { return hugetlb(t).length(2 << 20).seal(fixed | unix.F_SEAL_WRITE) }, "", "guarded", "guarded"},
	} {
		t.Run(what, func(t *testing.T) {
			m := c.make(t)
			if got := touched(m, NoProcess); got != c.any {
				t.Errorf("where no process is trusted it is %s, want %s", got, c.any)
			}
			if got := touched(m, ThisUser); got != c.user {
				t.Errorf("where this user is trusted it is %s, want %s", got, c.user)
			}
			if got := m.attacks(); got != c.can {
				t.Errorf("a process can %q, want %q", got, c.can)
			}
		})
	}
}

func touched(m *memory, trust Trust) string {
	if Possible(m.File, size, trust) {
		return "guarded"
	}
	return "direct"
}

// attacks returns what can be done to the memory.
func (m *memory) attacks() string {
	var can []string
	if m.Truncate(0) == nil {
		can = append(can, "truncate")
	}
	if m.punch() == nil {
		can = append(can, "punch")
	}
	return strings.Join(can, ", ")
}

// Huge pages may be missing although the file has storage, which a table of small
// files on a machine without huge pages can't show.
func TestHugePagesComeFromAPool(t *testing.T) {
	if !isPooled(hugetlb(t).File) || isPooled(memfd(t).File) {
		t.Errorf("from a pool: huge pages %v, others %v", isPooled(hugetlb(t).File), isPooled(memfd(t).File))
	}
	if !Possible(hugetlb(t).seal(fixed).File, 0, NoProcess) {
		t.Error("huge pages are taken for memory that can't fault")
	}
}

func TestPossibleOfAClosedFile(t *testing.T) {
	m := memfd(t).whole().seal(fixed)
	m.Close()
	if !Possible(m.File, size, ThisUser) {
		t.Error("a file that can't be asked is taken for memory that can't fault")
	}
}

// unmapped is a process whose user has the id that stands for all users of other
// namespaces. It looks at a file that it has inherited.
var unmapped = ipctest.Helper("unmapped owner", func(c *ipctest.Control) error {
	f := os.NewFile(3, "memfd")
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; int(uid) != os.Geteuid() {
		return fmt.Errorf("the owner shows as %d, and this process as %d", uid, os.Geteuid())
	}
	if !Possible(f, size, NoProcess) || !Possible(f, size, ThisUser) {
		return errors.New("another user's file is taken for this user's")
	}
	return nil
})

func TestPossibleOfAUserThatTheNamespaceLacks(t *testing.T) {
	cmd := ipctest.HelperCommand(t, unmapped)
	m := memfd(t).whole().mode(0o600).seal(fixed)
	m.owner(12345)
	cmd.ExtraFiles = []*os.File{m.File}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: stranger, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: stranger, HostID: 0, Size: 1}},
		Credential:  &syscall.Credential{Uid: stranger, Gid: stranger, NoSetGroups: true},
	}
	if err := ipctest.StartCommand(t, cmd).Wait(); err != nil {
		t.Error(err)
	}
}
