package kernelobj

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// List returns the names of the kernel objects of a type in a namespace, sorted,
// whichever program made them. It opens none of them. It leaves out names that no object
// can have here, and what Mutex has beside a mutex.
func List(typeName string, scope breezeway.Scope) ([]string, error) {
	dir, err := directory(scope)
	if err != nil {
		return nil, err
	}
	all, err := sys.ReadObjectDirectory(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, o := range all {
		if o.Type == typeName && breezeway.CheckName(o.Name) == nil && !isBeside(o.Name) {
			names = append(names, o.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// directory returns where the kernel has the objects of a namespace.
func directory(scope breezeway.Scope) (string, error) {
	var session uint32
	if scope != breezeway.Machine {
		if err := windows.ProcessIdToSessionId(uint32(os.Getpid()), &session); err != nil {
			return "", os.NewSyscallError("ProcessIdToSessionId", err)
		}
	}
	if session == 0 {
		return `\BaseNamedObjects`, nil
	}
	return fmt.Sprintf(`\Sessions\%d\BaseNamedObjects`, session), nil
}

// CountHandles returns how many handles of an object with a full name processes have
// besides the one that it opens, or -1 if that can't be told.
func CountHandles(full string, open func(full string) (windows.Handle, error)) int {
	h, err := open(full)
	if err != nil {
		return -1
	}
	defer windows.CloseHandle(h)
	n, err := sys.HandleCount(h)
	if err != nil {
		return -1
	}
	return n - 1
}

// Rights returns the owner and the access control list of an object with a full name, ""
// for what can't be learned.
func Rights(full string, open func(full string) (windows.Handle, error)) (owner, sddl string) {
	h, err := open(full)
	if err != nil {
		return "", ""
	}
	defer windows.CloseHandle(h)
	if peer, err := sys.OwnerOf(h, windows.SE_KERNEL_OBJECT); err == nil {
		owner = peer.User()
	}
	if sd, err := windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT, windows.DACL_SECURITY_INFORMATION); err == nil {
		sddl = sd.String()
	}
	return owner, sddl
}

// isBeside reports whether an object of the name belongs to a Mutex.
func isBeside(name string) bool {
	return strings.HasPrefix(name, "bw.mutex.") || strings.HasPrefix(name, "bw.mutex-waiters.")
}
