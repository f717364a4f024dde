package pipe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// strangerServer listens at Args[0] by the rule of Args[1:] and greets every
// client with a line.
var strangerServer = ipctest.Helper("stranger's server", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], ruleOf(c.Args[1:]))
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("listening")
	return greet(l)
})

// strangerClient dials Args[0] by the rule of Args[1:] and says what came of it
// and what it read.
var strangerClient = ipctest.Helper("stranger's client", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), c.Args[0], ruleOf(c.Args[1:]))
	if err != nil {
		c.Say("EACCES %v, permission %v: %v", errors.Is(err, unix.EACCES), errors.Is(err, os.ErrPermission), err)
		return nil
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, unix.ECONNRESET) {
		return err
	}
	c.Say("connected, read %q", text)
	return nil
})

// strangerFile makes a file of the kind Args[0] at Args[1].
var strangerFile = ipctest.Helper("stranger's file", func(c *ipctest.Control) error {
	if c.Args[0] == "link" {
		return os.Symlink("/nowhere", c.Args[1])
	}
	return os.WriteFile(c.Args[1], []byte("mine"), 0o666)
})

// ruleOf makes a Config of "mode=0666", "trust=USER" and names to allow.
func ruleOf(words []string) *Config {
	cfg := new(Config)
	for _, w := range words {
		if mode, ok := strings.CutPrefix(w, "mode="); ok {
			bits, _ := strconv.ParseUint(mode, 8, 32)
			cfg.Mode = fs.FileMode(bits)
		} else if trusted, ok := strings.CutPrefix(w, "trust="); ok {
			cfg.Trust = append(cfg.Trust, trusted)
		} else {
			cfg.Allow = append(cfg.Allow, w)
		}
	}
	return cfg
}

// withoutLists listens on a file system that keeps no access control lists, by the
// rules of Args, and says what came of it.
var withoutLists = ipctest.Helper("listener without lists", func(c *ipctest.Control) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("ramfs", "/mnt", "ramfs", 0, ""); err != nil {
		return err
	}
	for _, rule := range c.Args {
		l, err := Listen("/mnt/s", ruleOf(strings.Fields(rule)))
		if err != nil {
			left, _ := filepath.Glob("/mnt/*")
			c.Say("unsupported %v, left %v: %v", errors.Is(err, errors.ErrUnsupported), left, err)
			continue
		}
		info, err := os.Lstat("/mnt/s")
		if err != nil {
			return err
		}
		c.Say("%v", info.Mode().Perm())
		l.Close()
	}
	return nil
})

// Where the kernel can't tell apart those whom Allow names, Listen fails rather than
// letting in more.
func TestAllowWithoutAccessControlLists(t *testing.T) {
	cmd := ipctest.HelperCommand(t, withoutLists, "mode=0660", "nobody", "mode=0660 @nogroup", "mode=0666")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := (&exec.Cmd{Path: "/bin/true", SysProcAttr: cmd.SysProcAttr}).Run(); err != nil {
		ipctest.Missing(t, "this process can't have a file system of its own:", err.Error())
	}
	p := ipctest.StartCommand(t, cmd)
	p.Expect("-rw-rw----")
	for range 2 {
		said := p.Hear()
		for _, want := range []string{"unsupported true", "left []", "Config.Allow", "the file system of /mnt "} {
			if !strings.Contains(said, want) {
				t.Errorf("%q doesn't say %q", said, want)
			}
		}
	}
	p.Expect("-rw-rw-rw-")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// A FIFO has its mode alone, whatever the directory's default access control list adds.
func TestMakeFIFOInDirectoryWithList(t *testing.T) {
	dir := t.TempDir()
	ipctest.GiveDefaultList(t, dir, anotherID)
	path := filepath.Join(dir, "f")
	if err := MakeFIFO(path, &FIFOConfig{Mode: 0o660}); err != nil {
		t.Fatal(err)
	}
	defer RemoveFIFO(path)
	if n, err := unix.Lgetxattr(path, "system.posix_acl_access", nil); !errors.Is(err, unix.ENODATA) {
		t.Errorf("the FIFO has a list of %d bytes, %v", n, err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Users and groups besides this process's own. Only the numbers matter, so the
// second user and the supplementary group need no name.
const (
	anotherID = 12345
	extraGID  = 23456
)

// strangers starts processes of this test binary as other users.
type strangers struct {
	exe      string
	uid, gid int // of nobody
}

func findStrangers(t *testing.T) *strangers {
	t.Helper()
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "only root can start another user's processes")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		ipctest.Missing(t, err.Error())
	}
	s := &strangers{exe: filepath.Join(meetingPlace(t, 0o755), "stranger")}
	s.uid, _ = strconv.Atoi(nobody.Uid)
	s.gid, _ = strconv.Atoi(nobody.Gid)
	rule, err := access.New(0, []string{nobody.Uid}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rule.Admit(breezeway.Peer{UID: s.uid}); err != nil {
		ipctest.Missing(t, err.Error()) // a container that does not map nobody
	}
	// go test builds where only this user can go.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.exe, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// meetingPlace returns a directory that every user can reach.
func meetingPlace(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	for d, m := range map[string]fs.FileMode{filepath.Dir(dir): 0o711, dir: mode} {
		if err := os.Chmod(d, m); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (s *strangers) nobody(groups ...uint32) *syscall.Credential {
	return &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.gid), Groups: groups}
}

func (s *strangers) another() *syscall.Credential {
	return &syscall.Credential{Uid: anotherID, Gid: anotherID}
}

func (s *strangers) start(t *testing.T, user *syscall.Credential, helper string, args ...string) *ipctest.Process {
	t.Helper()
	cmd := ipctest.HelperCommand(t, helper, args...)
	cmd.Path, cmd.Dir = s.exe, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	return ipctest.StartCommand(t, cmd)
}

func TestAccess(t *testing.T) {
	s := findStrangers(t)
	t.Run("client", s.testClients)
	t.Run("directory's group", s.testDirectoryGroup)
	t.Run("directory's list", s.testDirectoryList)
	t.Run("rights changed", s.testChanged)
	t.Run("server", s.testServers)
	t.Run("neither root", s.testNeitherRoot)
	t.Run("squatter", s.testSquatters)
	t.Run("squatted", s.testSquatted)
}

// testClients lets nobody's client dial our server.
func (s *strangers) testClients(t *testing.T) {
	uid, gid := strconv.Itoa(s.uid), strconv.Itoa(s.gid)
	group, err := user.LookupGroupId(gid)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		rule   string // ours
		groups []uint32
		meets  bool
	}{
		{"", nil, false},
		{"nobody", nil, true},
		{uid, nil, true},
		{"@" + group.Name, nil, true},
		{"@" + gid, nil, true},
		{fmt.Sprint("@", extraGID), []uint32{extraGID}, true},
		{fmt.Sprint("@", extraGID), manyGroups(), true},
		{fmt.Sprint(anotherID, " @", extraGID), []uint32{extraGID}, true},
		{"mode=0666", nil, true},
		{"mode=0660", []uint32{0}, true},
		{"mode=0660", nil, false},
		{fmt.Sprint("mode=0660 @", extraGID), []uint32{extraGID}, true},
		{fmt.Sprint("mode=0660 @", extraGID), []uint32{0}, true},
		{fmt.Sprint("mode=0660 @", extraGID), nil, false},
		{fmt.Sprint("@", extraGID), []uint32{0}, false},
		{fmt.Sprint(anotherID), nil, false},
		{fmt.Sprint("@", extraGID), nil, false},
	} {
		t.Run(fmt.Sprintf("%s%.3v", test.rule, test.groups), func(t *testing.T) {
			path := filepath.Join(meetingPlace(t, 0o755), "s")
			s.clientMeets(t, path, test.rule, test.groups, test.meets)
		})
	}
}

// manyGroups are more supplementary groups than a first guess has room for.
func manyGroups() []uint32 {
	groups := make([]uint32, 100)
	for i := range groups {
		groups[i] = extraGID - 99 + uint32(i)
	}
	return groups
}

// clientMeets lets nobody's client, in these supplementary groups, dial our server
// with this rule. A client that the rule doesn't admit is refused by the kernel.
func (s *strangers) clientMeets(t *testing.T, path, rule string, groups []uint32, meets bool) {
	t.Helper()
	cfg := ruleOf(strings.Fields(rule))
	l := listenFor(t, path, cfg)
	served := make(chan error)
	go func() { served <- greet(l) }()
	client := s.start(t, s.nobody(groups...), strangerClient, path)
	said := client.Hear()
	l.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if meets && said != `connected, read "greetings\n"` {
		t.Errorf("the client said %q, but was to be greeted", said)
	}
	if meets {
		return
	}
	for _, want := range []string{"EACCES true, permission true", "of uid 0", fmt.Sprint("uid ", s.uid), "Config.Allow"} {
		if !strings.Contains(said, want) {
			t.Errorf("the client said %q, want %q in it", said, want)
		}
	}
	if got := l.Stats().Refused; got != 0 {
		t.Errorf("%d passed the kernel", got)
	}
}

// testDirectoryGroup listens in a setgid directory, where files have the group of
// the directory: that is the group which the mode's bits admit.
func (s *strangers) testDirectoryGroup(t *testing.T) {
	for _, test := range []struct {
		rule   string
		groups []uint32
		meets  bool
	}{
		{"mode=0660", []uint32{extraGID}, true},
		{"mode=0660", []uint32{0}, false}, // this process's group
		{"mode=0660 nobody", []uint32{0}, true},
		{fmt.Sprint("mode=0660 ", anotherID), []uint32{extraGID}, true},
		{"", []uint32{extraGID}, false},
	} {
		t.Run(fmt.Sprint(test.rule, test.groups), func(t *testing.T) {
			dir := meetingPlace(t, 0o755)
			if err := os.Chown(dir, 0, extraGID); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, 0o755|fs.ModeSetgid); err != nil {
				t.Fatal(err)
			}
			s.clientMeets(t, filepath.Join(dir, "s"), test.rule, test.groups, test.meets)
		})
	}
}

// testDirectoryList listens in a directory whose default access control list lets
// nobody use its files. The rule alone decides about the socket.
func (s *strangers) testDirectoryList(t *testing.T) {
	for _, test := range []struct {
		rule  string
		meets bool
	}{
		{"", false},
		{"mode=0660", false},
		{fmt.Sprint("mode=0660 ", anotherID), false},
		{"nobody", true},
		{"mode=0666", true},
	} {
		t.Run(test.rule, func(t *testing.T) {
			dir := meetingPlace(t, 0o755)
			ipctest.GiveDefaultList(t, dir, s.uid)
			s.clientMeets(t, filepath.Join(dir, "s"), test.rule, nil, test.meets)
		})
	}
}

// testChanged: what the kernel admits because the file's rights were changed after
// Listen, the listener refuses.
func (s *strangers) testChanged(t *testing.T) {
	for _, test := range []struct {
		rule  string
		chmod fs.FileMode
	}{
		{"", 0o666},
		{"mode=0660", 0o666},
		{fmt.Sprint("@", extraGID), 0o666},
	} {
		t.Run(test.rule, func(t *testing.T) {
			path := filepath.Join(meetingPlace(t, 0o755), "s")
			cfg := ruleOf(strings.Fields(test.rule))
			log := newTold()
			cfg.Logger = slog.New(log)
			l := listenFor(t, path, cfg)
			if err := os.Chmod(path, test.chmod); err != nil {
				t.Fatal(err)
			}
			served := make(chan error)
			go func() { served <- greet(l) }()
			expectPrefix(t, s.start(t, s.nobody(), strangerClient, path), `connected, read ""`)
			l.Close()
			if err := <-served; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if got := l.Stats().Refused; got != 1 {
				t.Errorf("%d refused", got)
			}
			// Close waits for no Logger.
			said := log.await(t, slog.LevelWarn)
			for _, want := range []string{fmt.Sprint("user ", s.uid), "Config.Allow"} {
				if !strings.Contains(said, want) {
					t.Errorf("logged %q, want %q in it", said, want)
				}
			}
		})
	}
}

// testServers lets us dial nobody's server, whose file can't keep root out. Only
// Config.Trust says whose servers Dial talks to; Mode and Allow are for clients.
func (s *strangers) testServers(t *testing.T) {
	path := filepath.Join(meetingPlace(t, 0o777), "s")
	server := s.start(t, s.nobody(extraGID), strangerServer, path)
	server.Expect("listening")
	uid := strconv.Itoa(s.uid)
	for _, test := range []struct {
		rule  string // ours
		meets bool
	}{
		{"", false},
		{fmt.Sprint("trust=", anotherID), false},
		{"trust=nobody", true},
		{"trust=" + uid, true},
		{fmt.Sprint("trust=", anotherID, " trust=nobody"), true},
		{"nobody", false},
		{fmt.Sprint("@", extraGID), false},
		{"mode=0666", false},
	} {
		for verb, dial := range map[string]func(context.Context, string, *Config) (*Conn, error){
			"Dial": Dial, "DialWait": DialWait,
		} {
			t.Run(test.rule+"/"+verb, func(t *testing.T) {
				conn, err := dial(patient(t), path, ruleOf(strings.Fields(test.rule)))
				if test.meets {
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					hear(t, bufio.NewReader(conn), "greetings")
					return
				}
				if !errors.Is(err, os.ErrPermission) {
					t.Fatalf("%v, want os.ErrPermission", err)
				}
				for _, want := range []string{"user " + uid, "Config.Trust"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v, want %q in it", err, want)
					}
				}
			})
		}
	}
}

// testNeitherRoot: two ordinary users. The server must admit the client, and the
// client must trust the server.
func (s *strangers) testNeitherRoot(t *testing.T) {
	uid := strconv.Itoa(s.uid)
	for _, test := range []struct{ server, client, want string }{
		{"", "", "EACCES false, permission true"}, // the socket's owner is refused first
		{"", "trust=nobody", "EACCES true, permission true"},
		{"mode=0666", "", "EACCES false, permission true"},
		{"mode=0666", "nobody", "EACCES false, permission true"},
		{"mode=0666 trust=nobody", "mode=0666", "EACCES false, permission true"},
		{fmt.Sprint(anotherID), "trust=nobody", `connected, read "greetings\n"`},
		{uid, "trust=nobody", "EACCES true, permission true"},
		{fmt.Sprint("trust=", anotherID), "trust=nobody", "EACCES true, permission true"},
	} {
		t.Run(test.server+"/"+test.client, func(t *testing.T) {
			path := filepath.Join(meetingPlace(t, 0o777), "s")
			server := s.start(t, s.nobody(), strangerServer, append([]string{path}, strings.Fields(test.server)...)...)
			server.Expect("listening")
			client := s.start(t, s.another(), strangerClient, append([]string{path}, strings.Fields(test.client)...)...)
			expectPrefix(t, client, test.want)
		})
	}
}

// testSquatters: the user nobody has taken, in a directory like /tmp, what we want.
func (s *strangers) testSquatters(t *testing.T) {
	for _, test := range []struct {
		kind string
		make func(t *testing.T, path string)
	}{
		{"live", func(t *testing.T, path string) {
			s.start(t, s.nobody(), strangerServer, path).Expect("listening")
		}},
		{"stale", func(t *testing.T, path string) {
			server := s.start(t, s.nobody(), strangerServer, path)
			server.Expect("listening")
			server.Kill()
		}},
		{"file", s.makeFile("file")},
		{"link", s.makeFile("link")},
	} {
		t.Run(test.kind, func(t *testing.T) {
			path := filepath.Join(meetingPlace(t, 0o777|fs.ModeSticky), "s")
			test.make(t, path)
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			s.refusesToListen(t, path, os.ErrExist)
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) {
				t.Errorf("the file was not left alone: %v, %v", after, err)
			}
			if test.kind == "live" {
				conn, err := Dial(patient(t), path, ruleOf([]string{"trust=nobody"}))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				hear(t, bufio.NewReader(conn), "greetings")
			}
		})
	}
	for _, kind := range []string{"file", "link"} {
		t.Run("lock "+kind, func(t *testing.T) {
			dir := meetingPlace(t, 0o777|fs.ModeSticky)
			s.makeFile(kind)(t, filepath.Join(dir, ".breezeway.s.lock"))
			s.refusesToListen(t, filepath.Join(dir, "s"), os.ErrExist)
			listenFor(t, filepath.Join(dir, "other"), nil)
		})
	}
}

func (s *strangers) makeFile(kind string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		if err := s.start(t, s.nobody(), strangerFile, kind, path).Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *strangers) refusesToListen(t *testing.T, path string, want error) {
	t.Helper()
	l, err := Listen(path, nil)
	if err == nil {
		l.Close()
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), fmt.Sprint("uid ", s.uid)) {
		t.Errorf("Listen: %v, want %v and nobody's uid", err, want)
	}
}

// testSquatted: the user nobody wants the name that we have.
func (s *strangers) testSquatted(t *testing.T) {
	path := filepath.Join(meetingPlace(t, 0o777|fs.ModeSticky), "s")
	l := listenFor(t, path, nil)
	thief := s.start(t, s.nobody(), strangerServer, path)
	if said, ok := thief.TryHear(); ok {
		t.Fatalf("nobody took our name and said %q", said)
	}
	if err := thief.Wait(); err == nil {
		t.Error("nobody's server ended without an error")
	}
	if !strings.Contains(thief.Stderr(), "belongs to uid 0") {
		t.Errorf("nobody was told %q, want our uid in it", thief.Stderr())
	}
	conn, err := Dial(patient(t), path, nil)
	if err != nil {
		t.Fatalf("our server can't be reached any more: %v", err)
	}
	conn.Close()
	l.Close()
}

// greet sends every client a line until the listener is closed.
func greet(l *Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		io.WriteString(conn, "greetings\n")
		conn.Close()
	}
}
