package object

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/access"
)

// A file of another user can be truncated by that user, whatever its mode, also if
// the user is trusted.
func TestFileOfATrustedUserIsNotOurs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	trusts, err := access.New(0, nil, []string{"65534"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		uid  int
		mode os.FileMode
		want bool
	}{{0, 0o600, true}, {0, 0o644, true}, {0, 0o660, false}, {65534, 0o600, false}} {
		if err := f.Chown(c.uid, 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Chmod(c.mode); err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if got := IsTrusted(info, trusts); got != c.want {
			t.Errorf("uid %d, mode %v: trusted is %v", c.uid, c.mode, got)
		}
	}
}
