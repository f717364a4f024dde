package breezeway

// Scope says how far a name reaches on Windows, where every log-on session has
// names of its own. Elsewhere names reach the whole machine and Scope is
// ignored.
type Scope int

const (
	// Session is the default: only processes of the same log-on session meet.
	Session Scope = iota
	// Machine lets a service and the desktop, or two users, meet.
	Machine
)

func (s Scope) String() string {
	if s == Machine {
		return "machine"
	}
	return "session"
}
