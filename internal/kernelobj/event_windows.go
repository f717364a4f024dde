package kernelobj

import (
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// CreateEvent makes an event with a full name, which is not set. One that is not
// manual resets itself when it has woken a waiter.
func CreateEvent(name string, manual bool, rule access.Rule) (windows.Handle, error) {
	security, err := rule.SecurityAttributes(sys.EventRights)
	if err != nil {
		return 0, err
	}
	h, err := sys.CreateEvent(name, manual, security)
	return h, Explain(err, "event")
}

// OpenEvent opens the event with a full name, if the rule trusts its owner, and
// reports whether it is manual.
func OpenEvent(name string, rule access.Rule) (h windows.Handle, manual bool, err error) {
	h, err = sys.OpenEvent(name)
	if err != nil {
		return 0, false, Explain(err, "event")
	}
	if err = checkOwner(h, rule); err == nil {
		manual, _, err = sys.QueryEvent(h)
	}
	if err != nil {
		windows.CloseHandle(h)
		return 0, false, err
	}
	return h, manual, nil
}
