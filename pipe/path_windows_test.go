package pipe

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestPathOf(t *testing.T) {
	long := `\\.\pipe\` + strings.Repeat("n", 247)
	for _, c := range []struct{ name, host, want string }{
		{"chat", "", `\\.\pipe\chat`},
		{"chat", "server", `\\server\pipe\chat`},
		{`\\.\pipe\a b\c?`, "", `\\.\pipe\a b\c?`},
		{`\\server\PIPE\chat`, "", `\\server\PIPE\chat`},
		{`\\.\pipe\a/b`, "", `\\.\pipe\a\b`},
		{long, "", long},
	} {
		if got, err := pathOf(c.name, c.host); got != c.want || err != nil {
			t.Errorf("%q at %q: %q, %v", c.name, c.host, got, err)
		}
	}
	for _, c := range []struct{ name, host string }{
		{long + "n", ""},
		{"chat", strings.Repeat("h", 256)},
		{"chat", `a\b`},
		{"chat", "a/b"},
		{"chat", "nul\x00"},
		{`\\server\pipe\chat`, "other"},
		{`\\.\pipe\`, ""},
		{`\\.\pipe`, ""},
		{`\\.\mailslot\chat`, ""},
		{`\\\pipe\chat`, ""},
		{`\\.\pipe\nul` + "\x00", ""},
		{`\\?\pipe\chat`, ""},
		{`\\.\pipe\..\C:\file`, ""},
		{`\\.\pipe\../../C:/file`, ""},
		{`C:\chat`, ""},
	} {
		if got, err := pathOf(c.name, c.host); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%q at %q: %q, %v", c.name, c.host, got, err)
		}
	}
}

func TestNamesIgnoreCase(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	for _, same := range []string{strings.ToUpper(name), `\\.\pipe\` + name, `\\.\PIPE\` + strings.ToUpper(name)} {
		if _, err := Listen(same, nil); !errors.Is(err, os.ErrExist) {
			t.Errorf("Listen(%q): %v", same, err)
		}
		c := mustDial(t, same, nil)
		mustAccept(t, l)
		if c.RemoteAddr().String() == "" || c.RemoteAddr().Network() != "pipe" {
			t.Errorf("%v", c.RemoteAddr())
		}
	}
}

// No listener takes clients of another machine's pipe.
func TestListenElsewhere(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  *Config
	}{{`\\server\pipe\chat`, nil}, {"chat", &Config{Host: "server"}}} {
		if _, err := Listen(c.name, c.cfg); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%q: %v", c.name, err)
		}
	}
}
