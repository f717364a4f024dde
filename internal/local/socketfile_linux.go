package local

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socketFile is the file at a path, whatever becomes of the path.
type socketFile struct {
	path string
	file *os.File // opened as a place only
	info fs.FileInfo
}

func find(path string) (*socketFile, error) {
	f, err := openLinkless(path, unix.O_PATH)
	if isLink(err) {
		if path, err = resolve(path); err != nil {
			return nil, err
		}
		f, err = openLinkless(path, unix.O_PATH)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &socketFile{path, f, info}, nil
}

func (s *socketFile) close() { s.file.Close() }

func (s *socketFile) connect(network string) (*net.UnixConn, error) {
	c, err := connect(network, "/proc/self/fd/"+strconv.Itoa(int(s.file.Fd())))
	if errors.Is(err, unix.ENOENT) {
		// There is no /proc. The path may lead elsewhere since it was looked at.
		return connect(network, s.path)
	}
	return c, err
}

func changeTime(info fs.FileInfo) time.Time {
	return time.Unix(info.Sys().(*syscall.Stat_t).Ctim.Unix())
}
