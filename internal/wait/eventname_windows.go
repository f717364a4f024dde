package wait

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

func eventName(f *os.File, offset int64) (string, error) {
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info); err != nil {
		return "", os.NewSyscallError("GetFileInformationByHandle", err)
	}
	// Events may be made in Global\ without the privilege that sections need.
	return fmt.Sprintf(`Global\bw.word.%08x.%08x%08x.%x`,
		info.VolumeSerialNumber, info.FileIndexHigh, info.FileIndexLow, offset), nil
}
