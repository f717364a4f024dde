package ipctest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// withoutEnv names what a test binary, and every process that it starts, does without,
// as some kernel or sandbox lacks it: keys of filters and namespaces, separated by commas.
const withoutEnv = "IPC_WITHOUT"

// exeEnv is the path of this test binary, for where /proc doesn't tell.
const exeEnv = "BREEZEWAY_TEST_EXE"

// namespaces take something from the calling thread's own mount namespace.
var namespaces = map[string]func() error{
	"proc":     func() error { return unix.Unmount("/proc", unix.MNT_DETACH) },
	"/dev/shm": func() error { return unix.Mount("tmpfs", "/dev", "tmpfs", 0, "") },
	"writable /dev/shm": func() error {
		// The remount below is of a mount, which the directory need not be.
		if err := unix.Mount("/dev/shm", "/dev/shm", "", unix.MS_BIND, ""); err != nil {
			return err
		}
		return unix.Mount("", "/dev/shm", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	},
}

// StartWithout is [Start] of a helper that has to do without something: keys of filters
// and namespaces, separated by commas.
func StartWithout(t testing.TB, missing, helper string, args ...string) *Process {
	t.Helper()
	for name := range strings.SplitSeq(missing, ",") {
		switch _, known := architectures[runtime.GOARCH]; {
		case filters[name] != nil && !known:
			Missing(t, "there is no seccomp filter for "+runtime.GOARCH)
		case namespaces[name] != nil && os.Geteuid() != 0:
			Missing(t, "only root can take away "+name+" in a mount namespace")
		}
	}
	cmd := HelperCommand(t, helper, args...)
	cmd.Env = append(cmd.Env, withoutEnv+"="+missing)
	return StartCommand(t, cmd)
}

// StartInUserNamespace is [Start] of a helper in a user namespace of its own, which maps
// this process's user and group as 0, and no other.
func StartInUserNamespace(t testing.TB, helper string, args ...string) *Process {
	t.Helper()
	cmd := HelperCommand(t, helper, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	probe := exec.Command("true")
	probe.SysProcAttr = cmd.SysProcAttr
	if err := probe.Run(); err != nil {
		Missing(t, "no user namespace can be made here:", err.Error())
	}
	return StartCommand(t, cmd)
}

// enterSandbox takes away what the environment says, and starts this program over, so
// that it has never had it.
func enterSandbox() {
	missing := os.Getenv(withoutEnv)
	if missing == "" {
		return
	}
	os.Unsetenv(withoutEnv)
	fmt.Fprintln(os.Stderr, "ipctest: can't do without", missing+":", startOver(strings.Split(missing, ",")))
	os.Exit(2)
}

// startOver returns only if it fails. The namespace and the filter are the calling
// thread's, which is the one that exec keeps.
func startOver(missing []string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	os.Setenv(exeEnv, exe)
	runtime.LockOSThread()
	var denied []denial
	for _, name := range missing {
		if filters[name] == nil && namespaces[name] == nil {
			return fmt.Errorf("nothing is called %q", name)
		}
		denied = append(denied, filters[name]...)
		if take := namespaces[name]; take != nil {
			if err := inOwnNamespace(take); err != nil {
				return err
			}
		}
	}
	if len(denied) > 0 {
		if err := deny(denied); err != nil {
			return err
		}
	}
	return unix.Exec(exe, os.Args, os.Environ())
}

func inOwnNamespace(change func() error) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	// Or the change would reach the namespace that this one is a copy of.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	return os.NewSyscallError("mount", change())
}

// executable returns the path of this test binary.
func executable() (string, error) {
	if exe := os.Getenv(exeEnv); exe != "" {
		return exe, nil
	}
	return os.Executable()
}
