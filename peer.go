package breezeway

import (
	"fmt"
	"strconv"
)

// Peer is the process at the other end, as the kernel knows it. What a field
// can't say is its zero value, or -1 for the numbers that have a meaning at 0.
type Peer struct {
	// PID is the process id, 0 if the process lies outside this PID namespace.
	// Ids are reused: treat it as information, never as proof.
	PID int
	// UID and GID are the user and primary group on Unix, -1 on Windows.
	UID, GID int
	// Groups are the supplementary groups on Unix, where the system tells.
	Groups []int
	// SID is the user on Windows, GroupSIDs the groups enabled in its token.
	SID       string
	GroupSIDs []string
	// Executable is the program's path, for information only: it is looked up
	// by PID, and a process may change what is found there. "" if unreadable.
	Executable string
}

// User returns the peer's user as Config.Allow and Config.Trust take it: the decimal
// UID or the SID.
func (p Peer) User() string {
	if p.SID != "" {
		return p.SID
	}
	return strconv.Itoa(p.UID)
}

func (p Peer) String() string {
	s := fmt.Sprintf("pid %d, user %s", p.PID, p.User())
	if p.Executable != "" {
		s += ", " + printable(p.Executable)
	}
	return s
}
