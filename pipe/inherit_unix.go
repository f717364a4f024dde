//go:build unix

package pipe

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/unix"
)

// childEnd is an end of a pipe that this process makes for a child.
type childEnd = *os.File

// firstExtra is the descriptor that a child knows cmd.ExtraFiles[0] by.
const firstExtra = 3

func inheritFile(cmd *exec.Cmd, f *os.File) (handle string, err error) {
	return inherit(cmd, f)
}

func inherit(cmd *exec.Cmd, f childEnd) (handle string, err error) {
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	return strconv.Itoa(firstExtra + len(cmd.ExtraFiles) - 1), nil
}

// adopt takes over a descriptor that this process was started with.
func adopt(handle uintptr) (*os.File, error) {
	if _, err := statPipe(handle); err != nil {
		return nil, err
	}
	fd := int(handle)
	if fd <= lastStandard {
		var err error
		if fd, err = takeStandard(fd); err != nil {
			return nil, err
		}
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "|"+strconv.Itoa(int(handle))), nil
}

func statPipe(fd uintptr) (st unix.Stat_t, err error) {
	if err := unix.Fstat(int(fd), &st); err != nil {
		return st, fmt.Errorf("descriptor %d is not open (%w, %w)", fd, os.ErrNotExist, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return st, fmt.Errorf("descriptor %d is not a pipe (%w)", fd, breezeway.ErrMismatch)
	}
	return st, nil
}

// identityOf returns what tells the pipe of a descriptor from others: its inode.
func identityOf(fd uintptr) (string, error) {
	st, err := statPipe(fd)
	return fmt.Sprintf("%d.%d", st.Dev, st.Ino), err
}

func identityOfEnd(e childEnd) (identity string, err error) {
	raw, err := e.SyscallConn()
	if err != nil {
		return "", err
	}
	if cerr := raw.Control(func(fd uintptr) { identity, err = identityOf(fd) }); cerr != nil {
		return "", cerr
	}
	return identity, err
}
