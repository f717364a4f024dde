package breezeway

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/windows"
)

const (
	sidSystem         = "S-1-5-18"
	sidAdministrators = "S-1-5-32-544"
)

// allowed are the SIDs of users and groups that are admitted by name.
type allowed struct{ sids []string }

func (l *allowed) add(id string, _ bool) error {
	sid, err := windows.StringToSid(id)
	if err == nil {
		l.sids = append(l.sids, sid.String())
	}
	return err
}

func (l allowed) any() bool { return len(l.sids) > 0 }

var token = sync.OnceValues(func() (ids struct{ user, group string }, err error) {
	t := windows.GetCurrentProcessToken()
	u, err := t.GetTokenUser()
	if err != nil {
		return ids, err
	}
	g, err := t.GetTokenPrimaryGroup()
	if err != nil {
		return ids, err
	}
	ids.user, ids.group = u.User.Sid.String(), g.PrimaryGroup.String()
	return ids, nil
})

func currentUser() string {
	ids, err := token()
	if err != nil {
		return "unknown"
	}
	return ids.user
}

func (a Access) admits(p Peer) (bool, error) {
	ids, err := token()
	if err != nil {
		return false, fmt.Errorf("can't tell this process's user: %w", err)
	}
	if p.SID == "" {
		return false, fmt.Errorf("the system did not say who the other side is (%w)", os.ErrPermission)
	}
	if p.SID == ids.user || p.SID == sidSystem || p.SID == sidAdministrators ||
		slices.Contains(p.GroupSIDs, sidAdministrators) {
		return true, nil
	}
	allowed := a.allowed.sids
	if a.group() {
		allowed = append(slices.Clip(allowed), ids.group)
	}
	return slices.ContainsFunc(allowed, func(sid string) bool {
		return sid == p.SID || slices.Contains(p.GroupSIDs, sid)
	}), nil
}

// SDDL returns the rule as a protected security descriptor in the security
// descriptor definition language: nothing is inherited, only whom the rule
// names gets in. rights are the rights granted to others than this process's
// user and the superuser, such as "GRGW" or a hexadecimal mask.
func (a Access) SDDL(rights string) (string, error) {
	ids, err := token()
	if err != nil {
		return "", fmt.Errorf("can't tell this process's user: %w", err)
	}
	var d strings.Builder
	fmt.Fprintf(&d, "O:%sD:P(A;;GA;;;%s)(A;;GA;;;SY)(A;;GA;;;BA)", ids.user, ids.user)
	grant := func(sid string) { fmt.Fprintf(&d, "(A;;%s;;;%s)", rights, sid) }
	for _, sid := range a.allowed.sids {
		grant(sid)
	}
	if a.group() {
		grant(ids.group)
	}
	if a.others() {
		grant("WD")
	}
	return d.String(), nil
}
