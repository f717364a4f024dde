package pipe

import (
	"io/fs"
	"strconv"
	"syscall"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// socketFile is the file that stands for a socket.
type socketFile struct{ major, minor, inode uint32 }

// fileOf returns which file it is that info describes.
func fileOf(info fs.FileInfo) socketFile {
	st := info.Sys().(*syscall.Stat_t)
	return socketFile{unix.Major(st.Dev), unix.Minor(st.Dev), uint32(st.Ino)}
}

// listening returns the listening Unix sockets of this network namespace, none where
// the kernel doesn't tell.
func listening() map[socketFile]socket {
	sockets, err := sys.UnixSockets()
	if err != nil {
		return nil
	}
	all := map[socketFile]socket{}
	connected := map[socketFile]int{}
	for _, s := range sockets {
		file := socketFile{s.Major, s.Minor, s.File}
		if s.Listening {
			all[file] = socket{inode: strconv.FormatUint(uint64(s.Inode), 10), waiting: int(s.Waiting)}
		} else {
			connected[file]++
		}
	}
	for file, s := range all {
		s.connected = connected[file]
		all[file] = s
	}
	return all
}
