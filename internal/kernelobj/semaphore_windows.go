package kernelobj

import (
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// CreateSemaphore makes a semaphore with a full name.
func CreateSemaphore(name string, value, most int32, rule access.Rule) (windows.Handle, error) {
	security, err := rule.SecurityAttributes(sys.SemaphoreRights)
	if err != nil {
		return 0, err
	}
	h, err := sys.CreateSemaphore(name, value, most, security)
	return h, Explain(err, "semaphore")
}

// OpenSemaphore opens the semaphore with a full name, if the rule trusts its owner,
// and returns its maximum.
func OpenSemaphore(name string, rule access.Rule) (h windows.Handle, most int32, err error) {
	h, err = sys.OpenSemaphore(name)
	if err != nil {
		return 0, 0, Explain(err, "semaphore")
	}
	if err = checkOwner(h, rule); err == nil {
		_, most, err = sys.QuerySemaphore(h)
	}
	if err != nil {
		windows.CloseHandle(h)
		return 0, 0, err
	}
	return h, most, nil
}
