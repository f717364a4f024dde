package mq

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// systemVHandle is an open queue. The kernel knows it by a number, which needs no
// closing.
type systemVHandle struct {
	id                    int
	sendType, receiveType int
	maxMessage            int // that may be sent
	room                  *atomic.Int64

	closed    chan struct{}
	closeOnce *sync.Once

	// One goroutine at a time waits in the kernel to receive, and one to send.
	receivers, senders turn

	buffers *sync.Pool // of *[]byte, each the type and the body of a message
}

func (h *systemVHandle) isSet() bool { return h.closed != nil }

// fileKey is ftok(3).
func fileKey(path string, project int) (int32, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("there is no file to make a key of; make one, it may be empty (%w)", err)
	}
	if err != nil {
		return 0, err
	}
	st := info.Sys().(*syscall.Stat_t)
	return int32(uint32(st.Ino)&0xffff | uint32(st.Dev)&0xff<<16 | uint32(project)&0xff<<24), nil
}

var errNot64Bit = fmt.Errorf("queues of System V need a 64-bit system (%w)", errors.ErrUnsupported)

func createSystemV(key int32, s *systemVSettings) (*SystemVQueue, error) {
	if strconv.IntSize != 64 {
		return nil, errNot64Bit
	}
	id, err := sys.Msgget(key, sys.IPC_CREAT|sys.IPC_EXCL|int(s.access.FileMode()))
	if errors.Is(err, unix.ENOSPC) {
		return nil, fmt.Errorf("there are as many System V queues as the sysctl kernel.msgmni allows; remove some, or raise it (%w, %w)", breezeway.ErrTooLarge, err)
	}
	if err != nil {
		return nil, explainMsgget(err)
	}
	q, err := newSystemVQueue(id, s)
	if err == nil {
		err = s.setCapacity(id)
	}
	if err != nil {
		sys.MsgRemove(id)
		return nil, err
	}
	return q, nil
}

func (s *systemVSettings) setCapacity(id int) error {
	if s.CapacityBytes == 0 {
		return nil
	}
	q, err := sys.MsgStat(id)
	if err != nil {
		return os.NewSyscallError("msgctl", err)
	}
	limit := q.Capacity
	q.Capacity = uint64(s.CapacityBytes)
	err = sys.MsgSet(id, &q)
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%s is %d, and the sysctl kernel.msgmnb allows %d; raise it: sysctl -w kernel.msgmnb=%d (%w, %w)",
			fail.Go("SystemVConfig.CapacityBytes"), s.CapacityBytes, limit, s.CapacityBytes, breezeway.ErrTooLarge, err)
	}
	return os.NewSyscallError("msgctl", err)
}

func openSystemV(key int32, s *systemVSettings) (*SystemVQueue, error) {
	if strconv.IntSize != 64 {
		return nil, errNot64Bit
	}
	const readAndWrite = 0o600
	id, err := sys.Msgget(key, readAndWrite)
	if err != nil {
		return nil, explainMsgget(err)
	}
	q, err := sys.MsgStat(id)
	if err != nil {
		return nil, os.NewSyscallError("msgctl", err)
	}
	for _, uid := range []uint32{q.UID, q.CreatorUID} {
		if err := s.access.Trusts(breezeway.Peer{UID: int(uid), GID: int(q.GID)}); err != nil {
			return nil, fmt.Errorf("the queue belongs to uid %d and was created by uid %d: %w", q.UID, q.CreatorUID, err)
		}
	}
	return newSystemVQueue(id, s)
}

func explainMsgget(err error) error {
	switch {
	case errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("this kernel has no System V queues, or a sandbox forbids them (%w)", err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("this user, uid %d, may not both read and write the queue (%w)", os.Geteuid(), err)
	}
	return err
}

func newSystemVQueue(id int, s *systemVSettings) (*SystemVQueue, error) {
	most, err := sys.MsgMax()
	if err != nil {
		return nil, os.NewSyscallError("msgctl", err)
	}
	h := systemVHandle{
		id: id, sendType: s.SendType, receiveType: s.ReceiveType, maxMessage: most, room: new(atomic.Int64),
		closed: make(chan struct{}), closeOnce: new(sync.Once),
		receivers: newTurn(), senders: newTurn(),
		buffers: &sync.Pool{New: func() any { return new([]byte) }},
	}
	h.room.Store(int64(most))
	return &SystemVQueue{systemVHandle: h}, nil
}

func removeSystemV(key int32) error {
	id, err := sys.Msgget(key, 0)
	if err == nil {
		err = sys.MsgRemove(id)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("only the queue's owner, its creator and the superuser may remove it, this process is uid %d (%w)", os.Geteuid(), err)
	}
	return err
}

func (h *systemVHandle) close() { h.closeOnce.Do(func() { close(h.closed) }) }

// explain turns what a call on the open queue failed with into what it means.
func (h *systemVHandle) explain(err error) error {
	switch {
	case errors.Is(err, unix.EIDRM):
		return errSystemVRemoved
	case errors.Is(err, unix.EINVAL): // the number is that of no queue any more, or the message is too long
		if _, statErr := sys.MsgStat(h.id); errors.Is(statErr, unix.EINVAL) || errors.Is(statErr, unix.EIDRM) {
			return errSystemVRemoved
		}
	}
	return err
}

var errSystemVRemoved = fmt.Errorf("the queue was removed; close it (%w)", breezeway.ErrRemoved)

// buffer returns memory for the type and a body of size bytes. The caller gives it back
// to the pool.
func (h *systemVHandle) buffer(size int) *[]byte {
	b := h.buffers.Get().(*[]byte)
	if need := sys.MsgHeader + size; cap(*b) < need {
		*b = make([]byte, need)
	} else {
		*b = (*b)[:need]
	}
	return b
}

// message returns a message as msgsnd takes it.
func (h *systemVHandle) message(of int, body []byte) *[]byte {
	b := h.buffer(len(body))
	sys.PutMsgType(*b, of)
	copy((*b)[sys.MsgHeader:], body)
	return b
}

func (h *systemVHandle) trySend(of int, body []byte) error {
	b := h.message(of, body)
	defer h.buffers.Put(b)
	return h.trySendMessage(*b)
}

// trySendMessage fails with ErrFull if the message has to wait, and with
// breezeway.ErrTooLarge if it would wait for ever.
func (h *systemVHandle) trySendMessage(message []byte) error {
	if isDone(h.closed) {
		return os.ErrClosed
	}
	err := sys.Msgsnd(h.id, message, sys.IPC_NOWAIT)
	if err != unix.EAGAIN {
		return h.explain(err)
	}
	stats, err := h.stats()
	if size := len(message) - sys.MsgHeader; err == nil && int64(size) > stats.CapacityBytes {
		err = errTooLong(size, int(stats.CapacityBytes))
	}
	if err == nil {
		err = ErrFull
	}
	return err
}

func (h *systemVHandle) send(ctx context.Context, of int, body []byte) error {
	b := h.message(of, body)
	defer h.buffers.Put(b)
	if err := h.trySendMessage(*b); err != ErrFull {
		return err
	}
	return h.wait(ctx, h.senders, func() error { return sys.Msgsnd(h.id, *b, 0) })
}

// wait makes a call that sleeps in the kernel, when it is its turn.
func (h *systemVHandle) wait(ctx context.Context, t turn, call func() error) error {
	if err := t.take(ctx, h.closed); err != nil {
		return err
	}
	defer t.pass()
	return h.explain(interruptible(ctx, h.closed, call))
}

func (h *systemVHandle) tryReceive(buf []byte) (Message, bool, error) {
	if isDone(h.closed) {
		return Message{}, false, os.ErrClosed
	}
	m, _, err := h.receiveInto(buf, sys.IPC_NOWAIT)
	if err == unix.ENOMSG {
		return Message{}, false, nil
	}
	return m, err == nil, h.explain(err)
}

func (h *systemVHandle) receive(ctx context.Context, buf []byte) (m Message, of int, err error) {
	if isDone(h.closed) {
		return Message{}, 0, os.ErrClosed
	}
	m, of, err = h.receiveInto(buf, sys.IPC_NOWAIT)
	if err != unix.ENOMSG {
		return m, of, h.explain(err)
	}
	err = h.wait(ctx, h.receivers, func() error {
		m, of, err = h.receiveInto(buf, 0)
		return err
	})
	return m, of, err
}

// maxRoom is how long a message can be: a larger sysctl kernel.msgmax is not possible.
const maxRoom = math.MaxInt32

// receiveInto takes a message into buf, or if it is nil into memory of its own. It fails
// with the kernel's errors, and with breezeway.ErrTooLarge.
func (h *systemVHandle) receiveInto(buf []byte, flags int) (m Message, of int, err error) {
	for {
		room := int(h.room.Load())
		whole := room // what would do for buf as it is
		if buf != nil {
			whole, room = len(buf), min(room, len(buf))
		}
		m, of, err = h.receiveWithin(buf, room, flags)
		switch {
		case err != unix.E2BIG:
			return m, of, err
		case buf != nil && room == whole:
			return Message{}, 0, fmt.Errorf("the next message is longer than the buffer, which has %d bytes (%w)", len(buf), breezeway.ErrTooLarge)
		case room >= maxRoom:
			return Message{}, 0, err
		}
		// It was sent when the sysctl kernel.msgmax was larger, or by another process
		// since it was raised.
		h.room.CompareAndSwap(int64(room), int64(2*room))
	}
}

// receiveWithin takes a message of at most room bytes.
//
// Precondition: buf is nil or has at least room bytes.
func (h *systemVHandle) receiveWithin(buf []byte, room, flags int) (m Message, of int, err error) {
	b := h.buffer(room)
	defer h.buffers.Put(b)
	n, err := sys.Msgrcv(h.id, *b, h.receiveType, flags)
	if err != nil {
		return Message{}, 0, err
	}
	if buf == nil {
		buf = make([]byte, n)
	}
	copy(buf[:n], (*b)[sys.MsgHeader:])
	return Message{Body: buf[:n]}, sys.MsgType(*b), nil
}

func (h *systemVHandle) stats() (Stats, error) {
	if isDone(h.closed) {
		return Stats{}, os.ErrClosed
	}
	q, err := sys.MsgStat(h.id)
	if err != nil {
		return Stats{}, h.explain(err)
	}
	s := kernelStats(int(q.Messages), int64(q.Bytes), int64(q.Capacity))
	s.MaxMessage = int(min(int64(h.maxMessage), s.CapacityBytes))
	return s, nil
}
