package socket

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// strangersClient dials Args[0] Args[1] and says what came of it, trusting the server.
var strangersClient = ipctest.Helper("stranger's client", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), c.Args[0], c.Args[1], &Config{Trust: c.Args[2:]})
	if err != nil {
		c.Say("permission %v", errors.Is(err, os.ErrPermission))
		return nil
	}
	defer conn.Close()
	n, err := conn.Read(make([]byte, 10))
	c.Say("read %d, %v", n, err == nil)
	return nil
})

// strangersServer listens at an address, admits all users, and says so.
var strangersServer = ipctest.Helper("stranger's server", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], c.Args[1], &Config{Mode: 0o666})
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("listening")
	return greet(l)
})

func greet(l *Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		c.Write([]byte("hi"))
		c.Close()
	}
}

const strangerID = 12345

// stranger returns what starts a helper as another user.
func stranger(t *testing.T, dir string) func(helper string, args ...string) *ipctest.Process {
	t.Helper()
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "only root can start another user's processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "stranger") // go test builds where only this user can go
	if err := os.WriteFile(exe, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return func(helper string, args ...string) *ipctest.Process {
		cmd := ipctest.HelperCommand(t, helper, args...)
		cmd.Path = exe
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: strangerID, Gid: strangerID}}
		return ipctest.StartCommand(t, cmd)
	}
}

// Other users are refused at both ends unless they are named.
func TestAccess(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	start := stranger(t, dir)
	for name, test := range map[string]struct {
		network, address string
		cfg              *Config
		said             string
	}{
		"by default":             {"unix", filepath.Join(dir, "a"), nil, "permission true"},
		"by mode":                {"unix", filepath.Join(dir, "b"), &Config{Mode: 0o666}, "read 2, true"},
		"by name":                {"unix", filepath.Join(dir, "c"), &Config{Allow: []string{strconv.Itoa(strangerID)}}, "read 2, true"},
		"packets by group":       {"unixpacket", filepath.Join(dir, "d"), &Config{Allow: []string{"@" + strconv.Itoa(strangerID)}}, "read 2, true"},
		"abstract":               {"unix", "@" + ipctest.UniqueName(), nil, "read 0, false"},
		"abstract by mode":       {"unix", "@" + ipctest.UniqueName(), &Config{Mode: 0o666}, "read 2, true"},
		"abstract by name":       {"unix", "@" + ipctest.UniqueName(), &Config{Allow: []string{strconv.Itoa(strangerID)}}, "read 2, true"},
		"abstract another group": {"unix", "@" + ipctest.UniqueName(), &Config{Allow: []string{"@54321"}}, "read 0, false"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Listen(test.network, test.address, test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			serving := make(chan struct{})
			go func() { greet(l); close(serving) }()
			start(strangersClient, test.network, test.address).Expect(test.said)
			l.Close()
			<-serving
			if got := l.Stats(); (got.Refused == 1) != (test.said == "read 0, false") {
				t.Errorf("%+v", got)
			}
		})
	}
	for _, address := range []string{filepath.Join(dir, "e"), "@" + ipctest.UniqueName()} {
		p := start(strangersServer, "unix", address)
		p.Expect("listening")
		if _, err := Dial(t.Context(), "unix", address, nil); !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s: %v", address, err)
		}
		mustDial(t, "unix", address, &Config{Trust: []string{strconv.Itoa(strangerID)}})
		if _, err := Listen("unix", address, nil); !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := Listen("unix", "@"+ipctest.UniqueName(), &Config{Mode: 0o660}); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
}
