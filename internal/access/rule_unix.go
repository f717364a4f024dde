//go:build unix

package access

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
)

// principals are users and groups that were named.
type principals struct{ uids, gids []int }

func (l *principals) add(id string, isGroup bool) error {
	n, err := strconv.ParseUint(id, 10, 32)
	switch {
	case err != nil:
		return err
	case n == math.MaxUint32:
		return fmt.Errorf("%d is no id (%w)", n, os.ErrInvalid)
	case isGroup:
		l.gids = append(l.gids, int(n))
	default:
		l.uids = append(l.uids, int(n))
	}
	return nil
}

func (l principals) any() bool { return len(l.uids)+len(l.gids) > 0 }

func currentUser() string { return strconv.Itoa(os.Geteuid()) }

// isKnown returns an error for a peer that no rule can judge.
func isKnown(p breezeway.Peer) error {
	if p.UID < 0 {
		return fmt.Errorf("the system did not say which user the other side is (%w)", os.ErrPermission)
	}
	if p.UID == overflowUID() {
		return fmt.Errorf("%w (%w)", errUnmapped, os.ErrPermission)
	}
	return nil
}

// IsOwn reports whether uid is this user's or the superuser's. That of a user that this
// user namespace doesn't map is neither.
func IsOwn(uid int) bool { return uid != overflowUID() && (uid == os.Geteuid() || uid == 0) }

func isMeOrSuperuser(p breezeway.Peer) bool { return p.UID == os.Geteuid() || p.UID == 0 }

// admits is asked about a peer that the rights of a file have let in.
// So it leaves the groups to the kernel where the system doesn't tell which of them the
// peer is in (p.Groups is nil).
func (r Rule) admits(p breezeway.Peer) (bool, error) {
	if err := isKnown(p); err != nil {
		return false, err
	}
	inGroup := func(gid int) bool {
		return p.Groups == nil || gid == p.GID || slices.Contains(p.Groups, gid)
	}
	return isMeOrSuperuser(p) ||
		slices.Contains(r.allowed.uids, p.UID) ||
		slices.ContainsFunc(r.allowed.gids, inGroup), nil
}

// ForFile returns the rule for the peers that the file, which info describes, lets
// in: the bits of the group are for the file's group, which a directory may have
// decided.
func (r Rule) ForFile(info fs.FileInfo) Rule {
	if r.group() {
		gid := int(info.Sys().(*syscall.Stat_t).Gid)
		r.allowed.gids = append(slices.Clip(r.allowed.gids), gid)
	}
	return r
}

func (r Rule) trusts(p breezeway.Peer) (bool, error) {
	if err := isKnown(p); err != nil {
		return false, err
	}
	return isMeOrSuperuser(p) || slices.Contains(r.trusted.uids, p.UID), nil
}

// errUnmapped is kept apart so that the one surprising refusal explains itself.
var errUnmapped = errors.New("the other side's user does not exist in this container (it shows as the overflow id, or there is no /proc to tell), so it can't be told apart from others; share a user namespace, and mount /proc")

const usualOverflowUID = 65534

// overflowUID returns the id under which the kernel shows every user that this
// user namespace doesn't map, or -1 where all users are mapped. Many users
// share it, so it must not match even itself.
var overflowUID = sync.OnceValue(func() int {
	mapping, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		// A kernel without user namespaces maps all users. Without /proc this can't be told.
		if _, noProc := os.Stat("/proc/self"); noProc != nil && runtime.GOOS == "linux" {
			return usualOverflowUID
		}
		return -1
	}
	if f := strings.Fields(string(mapping)); len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295" {
		return -1
	}
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return usualOverflowUID
	}
	uid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return usualOverflowUID
	}
	return uid
})
