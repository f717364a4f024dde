package pipe

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// socket is a listening Unix socket.
type socket struct {
	inode              string
	waiting, connected int
}

// listening returns the listening Unix sockets of this network namespace by their
// paths, none where /proc is missing. /proc/net/unix has a line for each socket:
//
//	Num RefCount Protocol Flags Type St Inode Path
//
// A listening one has the flag 0x10000. One that stands for a client has the path of the
// listening one: until it is accepted it has no inode, 0.
func listening() map[string]socket {
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil
	}
	const acceptsConnections = 0x10000
	all := map[string]socket{}
	type ends struct{ waiting, connected int }
	clients := map[string]ends{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.SplitN(lines.Text(), " ", 8)
		if len(fields) < 8 {
			continue
		}
		flags, err := strconv.ParseUint(fields[3], 16, 32)
		inode, path, named := strings.Cut(strings.TrimLeft(fields[6]+" "+fields[7], " "), " ")
		if err != nil || !named {
			continue
		}
		e := clients[path]
		switch {
		case flags&acceptsConnections != 0:
			all[path] = socket{inode: inode}
			continue
		case inode == "0":
			e.waiting++
		default:
			e.connected++
		}
		clients[path] = e
	}
	for path, s := range all {
		s.waiting, s.connected = clients[path].waiting, clients[path].connected
		all[path] = s
	}
	return all
}
