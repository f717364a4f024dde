package local

import (
	"io/fs"
	"strconv"
	"syscall"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// socketID identifies the file that stands for a socket.
type socketID struct{ major, minor, inode uint32 }

// socketIDOf returns which file it is that info describes.
func socketIDOf(info fs.FileInfo) socketID {
	st := info.Sys().(*syscall.Stat_t)
	return socketID{unix.Major(st.Dev), unix.Minor(st.Dev), uint32(st.Ino)}
}

// listeningSockets returns the listening Unix sockets of this network namespace, none where
// the kernel doesn't tell.
func listeningSockets() map[socketID]listeningSocket {
	sockets, err := sys.UnixSockets()
	if err != nil {
		return nil
	}
	all := map[socketID]listeningSocket{}
	connected := map[socketID]int{}
	for _, s := range sockets {
		file := socketID{s.Major, s.Minor, s.File}
		if s.Listening {
			all[file] = listeningSocket{inode: strconv.FormatUint(uint64(s.Inode), 10), waiters: int(s.Waiting)}
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
