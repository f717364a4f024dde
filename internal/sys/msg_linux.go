package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a System V queue is asked for, linux/ipc.h and linux/msg.h.
const (
	IPC_CREAT  = 0o1000
	IPC_EXCL   = 0o2000
	IPC_NOWAIT = 0o4000

	ipcRemove, ipcSet, ipcStat, ipcInfo = 0, 1, 2, 3
)

// MsgHeader is how many bytes the type of a System V message takes, before its body: a
// long.
const MsgHeader = int(unsafe.Sizeof(uintptr(0)))

// Msgqueue is struct msqid64_ds as it is on 64-bit machines.
type Msgqueue struct {
	Key      int32
	UID, GID uint32
	// The creator's. Both it and the owner may change and remove the queue.
	CreatorUID, CreatorGID uint32
	Mode                   uint32
	_                      [3]uint64
	Sent                   int64 // the time of the last msgsnd, in seconds
	Received               int64
	Changed                int64
	Bytes                  uint64
	Messages               uint64
	Capacity               uint64 // in bytes
	_                      [2]int32
	_                      [2]uint64
}

// Msgget is msgget(2).
func Msgget(key int32, flags int) (id int, err error) {
	r, _, errno := unix.Syscall(unix.SYS_MSGGET, uintptr(key), uintptr(flags), 0)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// Msgsnd is msgsnd(2). message begins with its type: see [PutMsgType].
func Msgsnd(id int, message []byte, flags int) error {
	_, _, errno := unix.Syscall6(unix.SYS_MSGSND, uintptr(id), uintptr(unsafe.Pointer(unsafe.SliceData(message))),
		uintptr(len(message)-MsgHeader), uintptr(flags), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Msgrcv is msgrcv(2). It puts the type and the body into message and returns how many
// bytes the body has. If the body is too long it fails with E2BIG and takes nothing.
func Msgrcv(id int, message []byte, of int, flags int) (n int, err error) {
	r, _, errno := unix.Syscall6(unix.SYS_MSGRCV, uintptr(id), uintptr(unsafe.Pointer(unsafe.SliceData(message))),
		uintptr(len(message)-MsgHeader), uintptr(of), uintptr(flags), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// PutMsgType writes the type that a message begins with.
//
// Precondition: the message has at least [MsgHeader] bytes.
func PutMsgType(message []byte, of int) { copy(message, (*[MsgHeader]byte)(unsafe.Pointer(&of))[:]) }

// MsgType returns the type that a message begins with.
//
// Precondition: the message has at least [MsgHeader] bytes.
func MsgType(message []byte) (of int) {
	copy((*[MsgHeader]byte)(unsafe.Pointer(&of))[:], message)
	return of
}

// MsgStat is msgctl(2) with IPC_STAT.
func MsgStat(id int) (q Msgqueue, err error) {
	err = msgctl(id, ipcStat, unsafe.Pointer(&q))
	return q, err
}

// MsgSet is msgctl(2) with IPC_SET: it sets owner, mode and capacity.
func MsgSet(id int, q *Msgqueue) error { return msgctl(id, ipcSet, unsafe.Pointer(q)) }

// MsgRemove is msgctl(2) with IPC_RMID.
func MsgRemove(id int) error { return msgctl(id, ipcRemove, nil) }

// MsgMax returns how many bytes a message may have: the sysctl kernel.msgmax of this
// process's IPC namespace.
func MsgMax() (int, error) {
	var info struct {
		_   [2]int32
		max int32
		_   [5]int32
	}
	err := msgctl(0, ipcInfo, unsafe.Pointer(&info))
	return int(info.max), err
}

func msgctl(id, command int, p unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_MSGCTL, uintptr(id), uintptr(command), uintptr(p))
	runtime.KeepAlive(p)
	if errno != 0 {
		return errno
	}
	return nil
}
