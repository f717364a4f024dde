//go:build unix

package breezeway

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// allowed are the users and groups that are admitted by name.
type allowed struct{ uids, gids []int }

func (l *allowed) add(id string, isGroup bool) error {
	n, err := strconv.Atoi(id)
	switch {
	case err != nil:
		return err
	case n < 0:
		return fmt.Errorf("%d is no id (%w)", n, os.ErrInvalid)
	case isGroup:
		l.gids = append(l.gids, n)
	default:
		l.uids = append(l.uids, n)
	}
	return nil
}

func (l allowed) any() bool { return len(l.uids)+len(l.gids) > 0 }

func currentUser() string { return strconv.Itoa(os.Geteuid()) }

func (a Access) admits(p Peer) (bool, error) {
	if p.UID < 0 {
		return false, fmt.Errorf("the system did not say who the other side is (%w)", os.ErrPermission)
	}
	if p.UID == overflowUID() {
		return false, fmt.Errorf("%w (%w)", errUnmapped, os.ErrPermission)
	}
	inGroup := func(gid int) bool { return gid == p.GID || slices.Contains(p.Groups, gid) }
	return p.UID == os.Geteuid() || p.UID == 0 ||
		slices.Contains(a.allowed.uids, p.UID) ||
		slices.ContainsFunc(a.allowed.gids, inGroup) ||
		a.group() && inGroup(os.Getegid()), nil
}

// File returns what a file must carry so that the kernel alone enforces the rule
// on Unix: permission bits, and the users and groups whom an access control list
// adds, with the right to read and write.
func (a Access) File() (mode fs.FileMode, uids, gids []int) {
	mode = a.mode
	if mode == 0 {
		mode = 0o600
	}
	return mode, slices.Clone(a.allowed.uids), slices.Clone(a.allowed.gids)
}

// errUnmapped is kept apart so that the one surprising refusal explains itself.
var errUnmapped = errors.New("the other side's user does not exist in this container (it shows as the overflow id), so it can't be told apart from others; share a user namespace")

// overflowUID returns the id under which the kernel shows every user that this
// user namespace doesn't map, or -1 where all users are mapped. Many users
// share it, so it must not match even itself.
var overflowUID = sync.OnceValue(func() int {
	mapping, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return -1
	}
	if f := strings.Fields(string(mapping)); len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295" {
		return -1
	}
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return 65534
	}
	uid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 65534
	}
	return uid
})
