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
func adopt(fd uintptr) (*os.File, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(fd), &st); err != nil {
		return nil, fmt.Errorf("descriptor %d is not open (%w, %w)", fd, os.ErrNotExist, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil, fmt.Errorf("descriptor %d is not a pipe (%w)", fd, breezeway.ErrMismatch)
	}
	unix.CloseOnExec(int(fd))
	if err := unix.SetNonblock(int(fd), true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(fd, "|"+strconv.Itoa(int(fd))), nil
}
