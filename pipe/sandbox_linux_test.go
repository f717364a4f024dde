package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// confinedServer listens at the path args[0], allowing args[1] if it is not empty, and
// says what it reads from a client of its own: "ok" or an error.
var confinedServer = ipctest.Helper("confined server", func(c *ipctest.Control) error {
	cfg := new(Config)
	if c.Args[1] != "" {
		cfg.Allow = []string{c.Args[1]}
	}
	switch err := serveOnce(c.Args[0], cfg); {
	case errors.Is(err, errors.ErrUnsupported):
		c.Say("unsupported: %v", err)
	case err != nil:
		c.Say("%v", err)
	default:
		c.Say("ok")
	}
	return nil
})

func serveOnce(path string, cfg *Config) error {
	l, err := Listen(path, cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	sent := make(chan error, 1)
	go func() {
		conn, err := Dial(context.Background(), path, nil)
		if err == nil {
			_, err = conn.Write([]byte("hello"))
			err = errors.Join(err, conn.Close())
		}
		sent <- err
	}()
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err == nil && string(text) != "hello" {
		err = fmt.Errorf("read %q", text)
	}
	return errors.Join(err, <-sent)
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if len(entries) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// Named pipes work, in slower ways, where one of these is missing.
func TestWithoutWhatCanBeReplaced(t *testing.T) {
	for _, missing := range []string{"proc", "inotify", "xattr", "netlink", "peergroups", "pidfd", "OFD locks"} {
		t.Run(missing, func(t *testing.T) {
			dir := t.TempDir()
			ipctest.StartWithout(t, missing, confinedServer, filepath.Join(dir, "pipe"), "").Expect("ok")
			wantEmpty(t, dir)
		})
	}
}

func TestAllowWithoutWhatItNeeds(t *testing.T) {
	for missing, what := range map[string]string{"proc": "/proc/self/fd", "xattr": "access control lists"} {
		t.Run(missing, func(t *testing.T) {
			dir := t.TempDir()
			p := ipctest.StartWithout(t, missing, confinedServer, filepath.Join(dir, "pipe"), "12345")
			if line := p.Hear(); !strings.HasPrefix(line, "unsupported: ") || !strings.Contains(line, what) || !strings.Contains(line, dir) {
				t.Error(line)
			}
			wantEmpty(t, dir)
		})
	}
}

func TestAllowOfAUserThatIsNotMapped(t *testing.T) {
	dir := t.TempDir()
	p := ipctest.StartInUserNamespace(t, confinedServer, filepath.Join(dir, "pipe"), "12345")
	if line := p.Hear(); !strings.HasPrefix(line, "unsupported: ") || !strings.Contains(line, "uid 12345 (/proc/self/uid_map)") {
		t.Error(line)
	}
	wantEmpty(t, dir)
}
