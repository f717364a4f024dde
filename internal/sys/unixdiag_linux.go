package sys

import (
	"encoding/binary"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// UnixSocket is what the kernel tells of a Unix socket that a file stands for.
type UnixSocket struct {
	Inode     uint32 // of the socket, not of its file
	Major     uint32 // of the device that the file is on
	Minor     uint32
	File      uint32 // the low bits of the file's inode number
	Listening bool
	Waiting   uint32 // of a listening one: connections that wait to be accepted
}

// UnixSockets returns the Unix sockets of this network namespace that files stand for,
// but not those that stand for a client until they are accepted (sock_diag(7)). One
// that was accepted has the file of the listening one. Unlike /proc/net/unix it goes
// by files: sockets may be called what their owners like.
func UnixSockets() (all []UnixSocket, err error) {
	const (
		// linux/unix_diag.h
		showFile, showQueue = 0x2, 0x10
		everyState          = ^uint32(0)
	)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	host := binary.NativeEndian
	request := host.AppendUint32(nil, unix.SizeofNlMsghdr+24)
	request = host.AppendUint16(request, unix.SOCK_DIAG_BY_FAMILY)
	request = host.AppendUint16(request, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request = append(request, make([]byte, 8)...) // sequence number, port
	request = append(request, unix.AF_UNIX, 0, 0, 0)
	request = host.AppendUint32(request, everyState)
	request = host.AppendUint32(request, 0) // any inode
	request = host.AppendUint32(request, showFile|showQueue)
	request = append(request, make([]byte, 8)...) // any cookie
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		messages, err := syscall.ParseNetlinkMessage(answer[:n])
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			switch {
			case m.Header.Type == unix.NLMSG_DONE:
				return all, nil
			case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
				return nil, os.NewSyscallError("sock_diag", unix.Errno(-int32(host.Uint32(m.Data))))
			case m.Header.Type != unix.SOCK_DIAG_BY_FAMILY:
				continue
			}
			if s, ok := parseUnixSocket(m.Data); ok {
				all = append(all, s)
			}
		}
	}
}

// parseUnixSocket reads a struct unix_diag_msg and the attributes that follow it. It
// reports false for a socket that no file stands for.
func parseUnixSocket(b []byte) (s UnixSocket, ok bool) {
	const (
		headerSize          = 16
		listening           = 10 // TCP_LISTEN
		fileAttr, queueAttr = 1, 4
	)
	if len(b) < headerSize {
		return s, false
	}
	host := binary.NativeEndian
	s.Listening, s.Inode = b[2] == listening, host.Uint32(b[4:])
	for rest := b[headerSize:]; len(rest) >= unix.SizeofRtAttr; {
		size := int(host.Uint16(rest))
		if size < unix.SizeofRtAttr || size > len(rest) {
			break
		}
		value := rest[unix.SizeofRtAttr:size]
		switch kind := host.Uint16(rest[2:]); {
		case kind == fileAttr && len(value) >= 8:
			dev := host.Uint32(value[4:]) // as the kernel has it inside
			s.File, s.Major, s.Minor = host.Uint32(value), dev>>20, dev&(1<<20-1)
			ok = true
		case kind == queueAttr && len(value) >= 4:
			s.Waiting = host.Uint32(value)
		}
		rest = rest[min((size+3)&^3, len(rest)):]
	}
	return s, ok
}
