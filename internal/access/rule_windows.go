package access

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/windows"
)

const (
	sidSystem         = "S-1-5-18"
	sidAdministrators = "S-1-5-32-544"
)

// principals are the SIDs of users and groups that were named.
type principals struct{ sids []string }

func (l *principals) add(id string, _ bool) error {
	sid, err := windows.StringToSid(id)
	if err == nil {
		l.sids = append(l.sids, sid.String())
	}
	return err
}

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

func (r Rule) admits(p breezeway.Peer) (bool, error) {
	ids, err := token()
	if err != nil {
		return false, fmt.Errorf("can't tell this process's user: %w", err)
	}
	allowed := r.allowed.sids
	if r.group() {
		allowed = append(slices.Clip(allowed), ids.group)
	}
	ok, err := isMeOrSuperuser(p)
	return ok || err == nil && slices.ContainsFunc(allowed, func(sid string) bool {
		return sid == p.SID || slices.Contains(p.GroupSIDs, sid)
	}), err
}

func (r Rule) trusts(p breezeway.Peer) (bool, error) {
	ok, err := isMeOrSuperuser(p)
	return ok || err == nil && slices.Contains(r.trusted.sids, p.SID), err
}

func isMeOrSuperuser(p breezeway.Peer) (bool, error) {
	ids, err := token()
	if err != nil {
		return false, fmt.Errorf("can't tell this process's user: %w", err)
	}
	if p.SID == "" {
		return false, fmt.Errorf("the system did not say which user the other side is (%w)", os.ErrPermission)
	}
	return p.SID == ids.user || p.SID == sidSystem || p.SID == sidAdministrators ||
		slices.Contains(p.GroupSIDs, sidAdministrators), nil
}

// SDDL returns the rule as a protected security descriptor in the security
// descriptor definition language: nothing is inherited, only those that the rule
// names get in. rights are the rights granted to others than this process's
// user and the superuser, such as "GRGW" or a hexadecimal mask.
func (r Rule) SDDL(rights string) (string, error) {
	ids, err := token()
	if err != nil {
		return "", fmt.Errorf("can't tell this process's user: %w", err)
	}
	var d strings.Builder
	fmt.Fprintf(&d, "O:%sD:P(A;;GA;;;%s)(A;;GA;;;SY)(A;;GA;;;BA)", ids.user, ids.user)
	grant := func(sid string) { fmt.Fprintf(&d, "(A;;%s;;;%s)", rights, sid) }
	for _, sid := range r.allowed.sids {
		grant(sid)
	}
	if r.group() {
		grant(ids.group)
	}
	if r.others() {
		grant("WD")
	}
	return d.String(), nil
}

// SecurityAttributes returns the rule in the form that the calls that make objects
// take. rights are as in [Rule.SDDL].
func (r Rule) SecurityAttributes(rights string) (*windows.SecurityAttributes, error) {
	sddl, err := r.SDDL(rights)
	if err != nil {
		return nil, err
	}
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return nil, os.NewSyscallError("ConvertStringSecurityDescriptorToSecurityDescriptor", err)
	}
	attributes := &windows.SecurityAttributes{SecurityDescriptor: sd}
	attributes.Length = uint32(unsafe.Sizeof(*attributes))
	return attributes, nil
}
