package worker

import (
	"fmt"
	"os"
	"syscall"
)

// selfExe leads to the very file that this process runs, also after it was renamed,
// replaced or removed.
const selfExe = "/proc/self/exe"

// openedImage finds the executable by the link in /proc, or by its path where there is
// none.
type openedImage struct{}

func openImage() openedImage { return openedImage{} }

func (openedImage) path() (string, error) {
	if _, err := os.Stat(selfExe); err == nil {
		return selfExe, nil
	}
	return os.Executable()
}

func (i openedImage) identity() string {
	path, err := i.path()
	if err != nil {
		return "unknown"
	}
	info, err := os.Stat(path)
	if err != nil {
		return "unknown"
	}
	text := fileIdentity(info)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		text = fmt.Sprintf("file %d of device %d, %s", st.Ino, st.Dev, text)
	}
	return text
}
