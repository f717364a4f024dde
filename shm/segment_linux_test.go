package shm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/unix"
)

func TestWhatIsThere(t *testing.T) {
	name := ipctest.UniqueName()
	seg, err := Create(name, 5000, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, seg)
	if _, err := seg.WriteAt([]byte("bytes"), 4995); err != nil {
		t.Fatal(err)
	}
	// Without a header, of exactly the size.
	content, err := os.ReadFile("/dev/shm/" + name)
	if err != nil || len(content) != 5000 || string(content[4995:]) != "bytes" {
		t.Fatalf("%d bytes, %v", len(content), err)
	}
	var stat unix.Stat_t
	if err := unix.Stat("/dev/shm/"+name, &stat); err != nil || stat.Blocks*512 < 5000 {
		t.Errorf("%d blocks are reserved, %v", stat.Blocks, err)
	}
	infos, err := List(KindSegment, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(infos, func(i Info) bool { return i.Name == name })
	if i < 0 || infos[i].Size != 5000 || infos[i].Mode != 0o600 || infos[i].Owner != strconv.Itoa(os.Geteuid()) || infos[i].Modified.IsZero() {
		t.Errorf("List has %+v", infos)
	}
	if err := Remove(KindSegment, name, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := mmap.Read[byte](seg.Mapping, 4995); b != 'b' || err != nil {
		t.Errorf("after Remove %v, %v", b, err)
	}
	again, err := Create(name, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, again)
	if again.Len() != 10 {
		t.Error("not a new one")
	}
}

func TestModeIsExact(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	for _, mode := range []fs.FileMode{0, 0o600, 0o640, 0o660, 0o666, 0o400} {
		seg := mustCreate(t, 100, &Config{Mode: mode})
		info, err := os.Stat("/dev/shm/" + seg.Name())
		if err != nil {
			t.Fatal(err)
		}
		want := mode
		if mode == 0 {
			want = 0o600
		}
		if info.Mode().Perm() != want {
			t.Errorf("asked for %04o, got %04o", want, info.Mode().Perm())
		}
	}
}

func TestNoSegmentThere(t *testing.T) {
	for what, make := range map[string]func(path string) error{
		"symbolic link": func(path string) error {
			target := mustCreate(t, 100, nil)
			return os.Symlink("/dev/shm/"+target.Name(), path)
		},
		"FIFO":      func(path string) error { return unix.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"socket":    func(path string) error { return bindSocket(path) },
	} {
		name := ipctest.UniqueName()
		path := "/dev/shm/" + name
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		_, err := Open(name, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, what)
		_, err = OpenOrCreate(name, 100, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, what)
		_, err = Create(name, 100, nil)
		ipctest.WantError(t, err, os.ErrExist)
		ipctest.WantError(t, Remove(KindSegment, name, nil), breezeway.ErrMismatch, what)
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("the %s is gone", what)
		}
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
	// Between shm_open and ftruncate.
	name := ipctest.UniqueName()
	if err := os.WriteFile("/dev/shm/"+name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer removeIfThere(t, name)
	_, err := Open(name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "no size yet")
}

func bindSocket(path string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrUnix{Name: path})
}

func TestResize(t *testing.T) {
	seg := mustCreate(t, 5000, nil)
	name := seg.Name()
	old, err := Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, old)
	if _, err := seg.WriteAt([]byte("kept"), 4000); err != nil {
		t.Fatal(err)
	}
	bigger, err := seg.Resize(100_000)
	if err != nil {
		t.Fatal(err)
	}
	defer bigger.Close()
	_, err = mmap.Read[byte](seg.Mapping, 0)
	ipctest.WantError(t, err, os.ErrClosed)
	if err := seg.Close(); err != nil { // must not close what bigger uses
		t.Error(err)
	}
	if bigger.Len() != 100_000 {
		t.Errorf("%d bytes", bigger.Len())
	}
	b := make([]byte, 4)
	if _, err := bigger.ReadAt(b, 4000); err != nil || string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
	if err := mmap.Write(bigger.Mapping, 99_992, uint64(1)); err != nil {
		t.Error(err)
	}
	if old.Len() != 5000 {
		t.Error("the other's length changed")
	}
	smaller, err := bigger.Resize(10)
	if err != nil {
		t.Fatal(err)
	}
	defer smaller.Close()
	if smaller.Len() != 10 {
		t.Errorf("%d bytes", smaller.Len())
	}
	_, err = mmap.Read[byte](old.Mapping, 4999)
	ipctest.WantError(t, err, io.ErrUnexpectedEOF, "truncated")
}

func TestUnnamed(t *testing.T) {
	seg, err := CreateUnnamed(5000, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, seg)
	if seg.Name() != "" || seg.Len() != 5000 {
		t.Errorf("%q, %d bytes", seg.Name(), seg.Len())
	}
	if _, err := seg.WriteAt([]byte("over the wire"), 5); err != nil {
		t.Fatal(err)
	}
	if err := seg.File().Truncate(100); err == nil {
		t.Error("it was truncated")
	}
	_, err = seg.Resize(10_000)
	ipctest.WantError(t, err, errors.ErrUnsupported, "sealed")
	// To a child, which writes its answer.
	cmd := ipctest.HelperCommand(t, heir, "5000")
	cmd.ExtraFiles = []*os.File{seg.File()}
	p := ipctest.StartCommand(t, cmd)
	p.Expect("over the wire")
	if b := seg.Bytes()[100:106]; string(b) != "answer" {
		t.Errorf("%q", b)
	}
}

// heir opens the segment that is its descriptor 3.
var heir = ipctest.Helper("heir", func(c *ipctest.Control) error {
	f := os.NewFile(3, "inherited")
	size, err := strconv.ParseInt(c.Args[0], 10, 64)
	if err != nil {
		return err
	}
	seg, err := OpenFile(f, size, nil)
	if err != nil {
		return err
	}
	defer seg.Close()
	f.Close()
	if _, err := seg.WriteAt([]byte("answer"), 100); err != nil {
		return err
	}
	c.Say("%s", seg.Bytes()[5:18])
	return nil
})

func TestReceivedFilesAreVerified(t *testing.T) {
	memfd := func(seals int) *os.File {
		fd, err := unix.MemfdCreate("received", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "received")
		t.Cleanup(func() { f.Close() })
		if err := f.Truncate(4096); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, seals := range []int{0, unix.F_SEAL_GROW, unix.F_SEAL_SHRINK, unix.F_SEAL_SEAL} {
		_, err := OpenFile(memfd(seals), 0, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, "not sealed")
	}
	_, err := OpenFile(memfd(fixed), 8192, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "4096", "8192")
	seg, err := OpenFile(memfd(fixed), 4096, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, seg)
	written := memfd(fixed | unix.F_SEAL_WRITE)
	_, err = OpenFile(written, 0, nil)
	ipctest.WantError(t, err, os.ErrPermission, "Config.ReadOnly")
	ro, err := OpenFile(written, 0, &Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, ro)
	named := mustCreate(t, 4096, nil)
	_, err = OpenFile(named.File(), 0, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	defer pw.Close()
	_, err = OpenFile(pr, 0, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "no memfd")
}

// smallShm runs with a /dev/shm of its own, of 64 MiB, and says what Create says.
var smallShm = ipctest.Helper("small /dev/shm", func(c *ipctest.Control) error {
	if err := mountShm("64m"); err != nil {
		return err
	}
	seg, err := Create("fits", 60<<20, nil)
	if err != nil {
		return err
	}
	_, err = Create("frame", 100<<20, nil)
	c.Say("ENOSPC %v: %v", errors.Is(err, unix.ENOSPC), err)
	_, err = seg.Resize(70 << 20)
	c.Say("ENOSPC %v: %v", errors.Is(err, unix.ENOSPC), err)
	c.Say("%d, %v", seg.Len(), mmap.Write(seg.Mapping, 60<<20-1, byte(1)))
	left, err := filepath.Glob("/dev/shm/*")
	c.Say("%v, %v", left, err)
	return nil
})

func TestShmIsFull(t *testing.T) {
	p := ipctest.StartCommand(t, ownShm(t, smallShm))
	line := p.Hear()
	for _, want := range []string{"ENOSPC true", "104857600 bytes (100 MiB)", "64 MiB in all", "4 MiB free", "--shm-size"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q doesn't say %q", line, want)
		}
	}
	if line = p.Hear(); !strings.Contains(line, "ENOSPC true") || !strings.Contains(line, "64 MiB in all") {
		t.Errorf("Resize: %q", line)
	}
	p.Expect("62914560, <nil>")
	p.Expect("[/dev/shm/fits], <nil>")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// stranger does what Args say and tells what came of it.
var stranger = ipctest.Helper("stranger", func(c *ipctest.Control) error {
	what, name, cfg := c.Args[0], c.Args[1], ruleOf(c.Args[2:])
	var seg *Segment
	var err error
	switch what {
	case "create":
		seg, err = Create(name, 4096, cfg)
	case "open":
		seg, err = Open(name, cfg)
	case "remove":
		err = Remove(KindSegment, name, nil)
	case "link":
		err = os.Symlink("/dev/null", "/dev/shm/"+name)
	}
	if err == nil && seg != nil {
		err = mmap.Write(seg.Mapping, 0, uint32(7))
	}
	c.Say("permission %v: %v", errors.Is(err, os.ErrPermission), err)
	c.Hear()
	if what == "create" || what == "link" {
		os.Remove("/dev/shm/" + name)
	}
	return nil
})

// ruleOf makes a Config of "mode=0666" and names to allow.
func ruleOf(words []string) *Config {
	cfg := new(Config)
	for _, w := range words {
		if mode, ok := strings.CutPrefix(w, "mode="); ok {
			bits, _ := strconv.ParseUint(mode, 8, 32)
			cfg.Mode = fs.FileMode(bits)
		} else {
			cfg.Allow = append(cfg.Allow, w)
		}
	}
	return cfg
}

func TestStrangers(t *testing.T) {
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "only root can start another user's processes")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		ipctest.Missing(t, err.Error())
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	if rule, _ := access.New(0, []string{nobody.Uid}, nil); rule.Admit(breezeway.Peer{UID: uid}) != nil {
		ipctest.Missing(t, "this user namespace does not map nobody")
	}
	// go test builds where only this user can go.
	dir := t.TempDir()
	os.Chmod(filepath.Dir(dir), 0o711)
	os.Chmod(dir, 0o755)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "stranger")
	if err := os.WriteFile(exe, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	as := func(uid, gid int, groups []uint32, args ...string) *ipctest.Process {
		cmd := ipctest.HelperCommand(t, stranger, args...)
		cmd.Path, cmd.Dir = exe, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups}}
		return ipctest.StartCommand(t, cmd)
	}
	const another, extraGID = 12345, 23456

	t.Run("opens ours", func(t *testing.T) {
		for _, test := range []struct {
			rule   string // of ours
			groups []uint32
			want   string
		}{
			{"", nil, "permission true: shm open NAME: it belongs to uid 0 and has mode 0600"},
			{"mode=0660", nil, "permission true"},
			{"mode=0666", nil, "permission false: <nil>"},
			{"nobody", nil, "permission false: <nil>"},
			{"12345", nil, "permission true"},
			{"@23456", []uint32{extraGID}, "permission false: <nil>"},
			{"@23456", nil, "permission true"},
		} {
			seg := mustCreate(t, 4096, ruleOf(strings.Fields(test.rule)))
			p := as(uid, gid, test.groups, "open", seg.Name())
			if line, want := p.Hear(), strings.ReplaceAll(test.want, "NAME", seg.Name()); !strings.HasPrefix(line, want) {
				t.Errorf("rule %q, groups %v: %q, want %q", test.rule, test.groups, line, want)
			}
			if strings.HasSuffix(test.want, "<nil>") {
				if v, err := mmap.Read[uint32](seg.Mapping, 0); v != 7 || err != nil {
					t.Errorf("rule %q: read %d, %v", test.rule, v, err)
				}
			}
			p.Say("end")
		}
	})
	t.Run("ours opens", func(t *testing.T) {
		name := ipctest.UniqueName()
		p := as(uid, gid, nil, "create", name, "mode=0666")
		if line := p.Hear(); !strings.HasSuffix(line, "<nil>") {
			t.Fatal(line)
		}
		_, err := Open(name, nil) // root could, and must not
		ipctest.WantError(t, err, os.ErrPermission, "it belongs to uid "+nobody.Uid, "Config.Trust")
		_, err = OpenOrCreate(name, 4096, nil)
		ipctest.WantError(t, err, os.ErrPermission, nobody.Uid)
		_, err = Create(name, 4096, nil)
		ipctest.WantError(t, err, os.ErrExist)
		// Whom we would admit is not whom we trust.
		for _, cfg := range []*Config{{Allow: []string{"nobody"}}, {Mode: 0o666}} {
			_, err := Open(name, cfg)
			ipctest.WantError(t, err, os.ErrPermission, "Config.Trust")
		}
		seg, err := Open(name, &Config{Trust: []string{"nobody"}})
		if err != nil {
			t.Fatal(err)
		}
		seg.Close()
		// A third user may not remove it.
		third := as(another, another, nil, "remove", name)
		if line := third.Hear(); !strings.HasPrefix(line, "permission true") || !strings.Contains(line, "uid "+nobody.Uid) {
			t.Error(line)
		}
		third.Say("end")
		p.Say("end")
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("link", func(t *testing.T) {
		name := ipctest.UniqueName()
		p := as(uid, gid, nil, "link", name)
		p.Hear()
		_, err := Open(name, &Config{Mode: 0o666})
		ipctest.WantError(t, err, breezeway.ErrMismatch, "symbolic link")
		p.Say("end")
		p.Wait()
	})
}

// Every refusal is told apart by what it wraps or, where that is the same, by
// what it says.
func TestErrorsAreDistinct(t *testing.T) {
	there := mustCreate(t, 100, nil)
	link := ipctest.UniqueName()
	if err := os.Symlink("/dev/null", "/dev/shm/"+link); err != nil {
		t.Fatal(err)
	}
	defer os.Remove("/dev/shm/" + link)
	_, size := Create(ipctest.UniqueName(), 0, nil)
	_, exists := Create(there.Name(), 100, nil)
	_, missing := Open(ipctest.UniqueName(), nil)
	_, bad := Create("a b", 100, nil)
	_, reserved := Create("sem.a", 100, nil)
	_, symlink := Open(link, nil)
	seen := map[string]string{}
	for what, err := range map[string]error{"size": size, "exists": exists, "missing": missing, "bad name": bad, "reserved name": reserved, "symlink": symlink} {
		var ours *breezeway.Error
		if !errors.As(err, &ours) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		text := fmt.Sprint(ours.Err)
		if other, dup := seen[text]; dup {
			t.Errorf("%s and %s are the same: %s", what, other, text)
		}
		seen[text] = what
	}
}
