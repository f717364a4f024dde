//go:build unix

package pipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

func dial(ctx context.Context, path string, s *settings) (*stream, error) {
	if err := sys.CanIdentifyPeers(); err != nil {
		return nil, err
	}
	c, err := local.Dial(ctx, path, s.access)
	if err != nil {
		return nil, explainDial(path, explain(err))
	}
	return newStream(c, s)
}

func isAbsent(err error) bool { return local.IsAbsent(err) }

func admitServer(_ *stream, peer breezeway.Peer, s *settings) error {
	if err := s.access.Trusts(peer); err != nil {
		return fmt.Errorf("not talking to the server: %w", err)
	}
	return nil
}

func explainDial(path string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("no server at %s; start it first, or wait for it%s%s (%w)", path, fail.Go(" with DialWait"), otherPlaces(path), err)
	case errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("no server listens at %s any more; start the server again, or wait for it%s%s (%w, %w)",
			path, fail.Go(" with DialWait"), otherPlaces(path), fs.ErrNotExist, err)
	case errors.Is(err, unix.EPROTOTYPE), errors.Is(err, unix.ENOTSOCK):
		return fmt.Errorf("%s is not a named pipe's socket (%w, %w)", path, breezeway.ErrMismatch, err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s%s does not let uid %d in; its owner can with %s (%w)", path, ownedBy(path), os.Geteuid(), fail.Go("Config.Allow"), err)
	}
	return err
}

// otherPlaces says where else a server may listen that was found by a short name: in
// another directory of temporary files.
func otherPlaces(path string) string {
	dir := filepath.Dir(path)
	if dir != filepath.Clean(os.TempDir()) {
		return ""
	}
	chosen := "TMPDIR is not set"
	if os.Getenv("TMPDIR") != "" {
		chosen = "TMPDIR says so"
	}
	return fmt.Sprintf("; the directory looked in is %s (%s), but a server that has another TMPDIR, systemd's PrivateTmp "+
		"or a container of its own listens in another one: agree on a path then", dir, chosen)
}

func ownedBy(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" of uid %d", uidOf(info))
}
