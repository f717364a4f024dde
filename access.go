package breezeway

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"
)

// Access says who may meet this process through a named object. Its zero value
// is the safe default: processes of this process's own user, and those of the
// system's superuser (uid 0; SYSTEM and Administrators on Windows), who could
// do anything anyway.
//
// The same rule is applied at both ends: a server admits clients by it, and a
// client admits servers, so that nobody who merely took the name first is
// talked to.
type Access struct {
	mode    fs.FileMode
	allowed allowed
}

// NewAccess resolves an access rule.
//
// The permission bits of mode widen the default as they do for a file: group
// bits admit processes that are in this process's effective group, the bits of
// others admit everybody. 0 means 0600.
//
// Each element of allow admits one user or group: a user's name, or a group's
// with @ in front. A decimal uid or gid on Unix, and a SID (S-1-5-…) on Windows,
// may stand for the name. What the system doesn't know is an error.
func NewAccess(mode fs.FileMode, allow []string) (Access, error) {
	if mode&^fs.ModePerm != 0 {
		return Access{}, fmt.Errorf("mode %v has more than permission bits (%w)", mode, os.ErrInvalid)
	}
	a := Access{mode: mode}
	for _, who := range allow {
		if err := a.allow(who); err != nil {
			return Access{}, fmt.Errorf("allow %q: %w", who, err)
		}
	}
	return a, nil
}

func (a *Access) allow(who string) error {
	name, isGroup := strings.CutPrefix(who, "@")
	if name == "" {
		return fmt.Errorf("empty; give a user, @group or SID (%w)", os.ErrInvalid)
	}
	if a.allowed.add(name, isGroup) == nil {
		return nil
	}
	id, err := lookup(name, isGroup)
	if err != nil {
		return fmt.Errorf("no such user or group (%w): %w", os.ErrInvalid, err)
	}
	return a.allowed.add(id, isGroup)
}

func lookup(name string, isGroup bool) (id string, err error) {
	if isGroup {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

// FileMode returns the permission bits that the object carries on Unix. Where
// users or groups are allowed by name the kernel must let everybody connect:
// [Access.Admit] then tells who stays.
func (a Access) FileMode() fs.FileMode {
	mode := a.mode
	if mode == 0 {
		mode = 0o600
	}
	if a.allowed.any() {
		mode |= 0o666
	}
	return mode
}

func (a Access) group() bool  { return a.mode&0o060 == 0o060 }
func (a Access) others() bool { return a.mode&0o006 == 0o006 }

// Admit returns nil if the rule admits p, or an error that wraps
// [os.ErrPermission] and says who p is and how to admit it.
func (a Access) Admit(p Peer) error {
	if a.others() {
		return nil
	}
	admitted, err := a.admits(p)
	if err != nil {
		return err
	}
	if !admitted {
		return fmt.Errorf("the other side is user %s, not this process's user %s; admit it with Config.Allow (%w)",
			p.User(), currentUser(), os.ErrPermission)
	}
	return nil
}
