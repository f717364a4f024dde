package worker

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/windows"
)

// openedImage is a handle of the executable: by it the file is found again after it was
// renamed, as installers do with a running program before they put another one in its
// place.
type openedImage struct {
	handle windows.Handle
	err    error
}

func openImage() openedImage {
	file, err := os.Executable()
	if err != nil {
		return openedImage{err: err}
	}
	return openFile(file)
}

func openFile(file string) (i openedImage) {
	name, err := windows.UTF16PtrFromString(file)
	if err != nil {
		return openedImage{err: err}
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	i.handle, i.err = windows.CreateFile(name, windows.FILE_READ_ATTRIBUTES, share, nil, windows.OPEN_EXISTING, 0, 0)
	return i
}

func (i openedImage) path() (string, error) {
	if i.err != nil {
		return os.Executable()
	}
	buf := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetFinalPathNameByHandle(i.handle, &buf[0], uint32(len(buf)), 0)
	if err != nil || int(n) >= len(buf) {
		return os.Executable()
	}
	path := windows.UTF16ToString(buf[:n])
	now := openFile(path)
	defer now.close()
	if now.identity() != i.identity() {
		return "", fmt.Errorf("%s is another file now than the one that this process runs; restart this process (%w)", path, breezeway.ErrMismatch)
	}
	return path, nil
}

func (i openedImage) close() {
	if i.err == nil {
		windows.CloseHandle(i.handle)
	}
}

func (i openedImage) identity() string {
	var info windows.ByHandleFileInformation
	if i.err != nil || windows.GetFileInformationByHandle(i.handle, &info) != nil {
		return "unknown"
	}
	return fmt.Sprintf("file %d.%d of volume %d, %d.%d bytes of %d", info.FileIndexHigh, info.FileIndexLow,
		info.VolumeSerialNumber, info.FileSizeHigh, info.FileSizeLow, info.LastWriteTime.Nanoseconds())
}
