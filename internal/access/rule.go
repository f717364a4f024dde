// Package access turns the Mode, Allow and Trust of a Config into what the system
// takes (modes, access control lists, security descriptors), and decides which
// peers are admitted and whose objects are opened.
package access

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Rule says which users an object of this process admits, and whose objects this process
// opens. Its zero value is the safe default for both: this process's own user, and
// the system's superuser (uid 0; SYSTEM and Administrators on Windows), which could
// do anything anyway.
type Rule struct {
	mode    fs.FileMode
	allowed principals
	trusted principals
}

// New resolves the Mode, Allow and Trust of a Config.
//
// The permission bits of mode widen the default as they do for a file: group
// bits admit the members of the file's group, the bits of others admit every
// process. 0 means 0600. The file's group is this process's effective group, or in a
// setgid directory the directory's; on Windows it is this process's primary group.
//
// Each element of allow admits one user or group: a user's name, or a group's
// with @ in front. A decimal uid or gid on Unix, and a SID (S-1-5-…) on Windows,
// may stand for the name. Each element of trust names one user in the same way.
// A name that the system doesn't know is an error.
func New(mode fs.FileMode, allow, trust []string) (Rule, error) {
	if mode&^fs.ModePerm != 0 {
		return Rule{}, fmt.Errorf("%s %v has more than permission bits (%w)", fail.Go("Config.Mode"), mode, os.ErrInvalid)
	}
	r := Rule{mode: mode}
	for _, name := range allow {
		if err := r.allowed.resolve(name); err != nil {
			return Rule{}, fmt.Errorf("%s %q: %w", fail.Go("Config.Allow"), name, err)
		}
	}
	for _, name := range trust {
		if strings.HasPrefix(name, "@") {
			return Rule{}, fmt.Errorf("%s %q: an object belongs to a user; name the users, not a group (%w)", fail.Go("Config.Trust"), name, os.ErrInvalid)
		}
		if err := r.trusted.resolve(name); err != nil {
			return Rule{}, fmt.Errorf("%s %q: %w", fail.Go("Config.Trust"), name, err)
		}
	}
	return r, nil
}

// resolve adds a user, or a group with @ in front.
func (l *principals) resolve(name string) error {
	name, isGroup := strings.CutPrefix(name, "@")
	if name == "" {
		return fmt.Errorf("empty; give a user, @group or SID (%w)", os.ErrInvalid)
	}
	if l.add(name, isGroup) == nil {
		return nil
	}
	id, err := lookup(name, isGroup)
	if err != nil {
		return fmt.Errorf("no such user or group (%w): %w", os.ErrInvalid, err)
	}
	return l.add(id, isGroup)
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

// FileMode returns the permission bits that a file carries on Unix. Users and groups
// that are allowed by name are not among them.
func (r Rule) FileMode() fs.FileMode {
	if r.mode == 0 {
		return 0o600
	}
	return r.mode
}

func (r Rule) group() bool  { return r.mode&0o060 == 0o060 }
func (r Rule) others() bool { return r.mode&0o006 == 0o006 }

// Admit returns nil if an object of this process admits p. Its error wraps
// [os.ErrPermission], and says what p is and how to admit it. On Unix the file's
// group has to be known: see [Rule.ForFile].
func (r Rule) Admit(p breezeway.Peer) error {
	if r.others() {
		return nil
	}
	return refuse(r.admits, p, fail.Go("Config.Allow"))
}

// Trusts returns nil if this process opens objects of p, or talks to a server that
// runs as p. Its error wraps [os.ErrPermission], and says what p is and how to
// trust it.
func (r Rule) Trusts(p breezeway.Peer) error {
	return refuse(r.trusts, p, fail.Go("Config.Trust"))
}

func refuse(rule func(breezeway.Peer) (bool, error), p breezeway.Peer, field fail.Go) error {
	ok, err := rule(p)
	if err != nil || ok {
		return err
	}
	return fmt.Errorf("the other side is user %s, not this process's user %s; admit it with %s (%w)",
		p.User(), currentUser(), field, os.ErrPermission)
}
