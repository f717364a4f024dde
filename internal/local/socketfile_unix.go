//go:build unix && !linux

package local

import (
	"io/fs"
	"net"
	"os"
	"time"
)

// socketFile is the file that a path led to. It goes by the path, which may lead
// elsewhere since it was looked at.
type socketFile struct {
	path string
	info fs.FileInfo
}

func find(path string) (*socketFile, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	return &socketFile{path, info}, nil
}

func (s *socketFile) close() {}

func (s *socketFile) connect(network string) (*net.UnixConn, error) { return connect(network, s.path) }

// changeTime returns the time of the last change of content: no two of these systems
// name that of the file's attributes alike.
func changeTime(info fs.FileInfo) time.Time { return info.ModTime() }
