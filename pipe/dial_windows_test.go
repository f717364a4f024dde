package pipe

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"
)

func TestDialErrorsSayWhatToDo(t *testing.T) {
	for code, want := range map[syscall.Errno]struct {
		sentinel error
		words    string
	}{
		windows.ERROR_FILE_NOT_FOUND: {os.ErrNotExist, "DialWait"},
		windows.ERROR_BAD_NETPATH:    {os.ErrNotExist, "Config.Host"},
		windows.ERROR_INVALID_NAME:   {os.ErrInvalid, "can't be a pipe's path"},
		windows.ERROR_ACCESS_DENIED:  {os.ErrPermission, "Config.Allow"},
	} {
		const path = `\\.\pipe\chat`
		err := explainDial(path, os.NewSyscallError("CreateFile", code))
		if !errors.Is(err, want.sentinel) || !strings.Contains(err.Error(), want.words) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v: error is %v", code, err)
		}
	}
}
