package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MqAttr is struct mq_attr.
type MqAttr struct {
	Flags    int // O_NONBLOCK or 0
	Capacity int // mq_maxmsg
	Size     int // mq_msgsize, bytes of a message at most
	Messages int // mq_curmsgs
	_        [4]int
}

// MqOpen is mq_open(3). The system call takes the name without the slash that it has in
// C. attr counts only with O_CREAT, and nil means the system's defaults. The descriptor is
// closed on exec.
func MqOpen(name string, flags int, mode uint32, attr *MqAttr) (fd int, err error) {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	r, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(p)), uintptr(flags), uintptr(mode),
		uintptr(unsafe.Pointer(attr)), 0, 0)
	runtime.KeepAlive(attr)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// MqUnlink is mq_unlink(3), of a name without its slash.
func MqUnlink(name string) error {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(p)), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// MqGetattr is mq_getattr(3).
func MqGetattr(fd int) (attr MqAttr, err error) {
	_, _, errno := unix.Syscall(unix.SYS_MQ_GETSETATTR, uintptr(fd), 0, uintptr(unsafe.Pointer(&attr)))
	if errno != 0 {
		return attr, errno
	}
	return attr, nil
}

// MqSend is mq_send(3). If fd doesn't block and the queue is full, it fails with EAGAIN.
func MqSend(fd int, body []byte, priority int) error {
	_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(body))),
		uintptr(len(body)), uintptr(priority), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// MqReceive is mq_receive(3). If fd doesn't block and the queue is empty, it fails with
// EAGAIN. A body shorter than the queue's messages may be fails with EMSGSIZE.
func MqReceive(fd int, body []byte) (n, priority int, err error) {
	var got uint32
	r, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(body))),
		uintptr(len(body)), uintptr(unsafe.Pointer(&got)), 0, 0)
	if errno != 0 {
		return 0, 0, errno
	}
	return int(r), int(got), nil
}
