package mq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// posixHandle is an open queue. The file is never shown to callers: reading it returns
// a line about the queue, not a message. It is what the runtime polls.
type posixHandle struct {
	file *os.File
	conn syscall.RawConn

	closed    chan struct{} // by Close
	closeOnce *sync.Once

	capacity, maxMessage int

	// One goroutine at a time waits at the poller to receive, and one to send: the
	// deadline that ends a wait belongs to the file, not to a goroutine.
	receivers, senders turn

	buffers *sync.Pool // of *[]byte with maxMessage bytes
}

func (h *posixHandle) isSet() bool { return h.file != nil }

func createPOSIX(name string, s *posixSettings) (*POSIXQueue, error) {
	attr, err := s.attr()
	if err != nil {
		return nil, err
	}
	// Until it has its rights only this user may open it.
	mode := s.access.FileMode()
	fd, err := sys.MqOpen(name, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CREAT|unix.O_EXCL, uint32(mode&0o700), attr)
	if err != nil {
		return nil, s.explainCreate(err)
	}
	q, err := newPOSIXQueue(fd)
	if err == nil {
		if err = q.file.Chmod(mode); err != nil {
			q.close()
		}
	}
	if err != nil {
		sys.MqUnlink(name)
		return nil, err
	}
	return q, nil
}

// attr returns what a new queue is asked to have, nil for the defaults.
func (s *posixSettings) attr() (*sys.MqAttr, error) {
	if s.Capacity == 0 && s.MaxMessage == 0 {
		return nil, nil
	}
	attr := &sys.MqAttr{Capacity: s.Capacity, Size: s.MaxMessage}
	for _, limit := range []struct {
		value        *int
		standard, of string
	}{{&attr.Capacity, "msg_default", "msg_max"}, {&attr.Size, "msgsize_default", "msgsize_max"}} {
		if *limit.value != 0 {
			continue
		}
		// The system has its defaults for both or for none.
		standard, err := mqueueLimit(limit.standard)
		if err != nil {
			return nil, err
		}
		most, err := mqueueLimit(limit.of)
		if err != nil {
			return nil, err
		}
		*limit.value = min(standard, most)
	}
	return attr, nil
}

// mqueueLimit returns one of the sysctls fs.mqueue.
func mqueueLimit(name string) (int, error) {
	text, err := os.ReadFile("/proc/sys/fs/mqueue/" + name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// explainCreate says which limit is in the way of a new queue.
func (s *posixSettings) explainCreate(err error) error {
	switch {
	case errors.Is(err, unix.EINVAL):
		for _, limit := range []struct {
			what   string
			wants  int
			sysctl string
		}{{"Capacity", s.Capacity, "msg_max"}, {"MaxMessage", s.MaxMessage, "msgsize_max"}} {
			if most, readErr := mqueueLimit(limit.sysctl); readErr == nil && limit.wants > most {
				return fmt.Errorf("%s is %d, and the sysctl fs.mqueue.%s allows %d; raise it: sysctl -w fs.mqueue.%s=%d (%w, %w)",
					fail.Go("POSIXConfig."+limit.what), limit.wants, limit.sysctl, most, limit.sysctl, limit.wants, breezeway.ErrTooLarge, err)
			}
		}
	case errors.Is(err, unix.ENOSPC):
		most, _ := mqueueLimit("queues_max")
		return fmt.Errorf("there are as many POSIX queues as the sysctl fs.mqueue.queues_max allows, %d; remove some, or raise it (%w, %w)", most, breezeway.ErrTooLarge, err)
	case errors.Is(err, unix.EMFILE) && hasDescriptors():
		var limit unix.Rlimit
		unix.Getrlimit(unix.RLIMIT_MSGQUEUE, &limit)
		return fmt.Errorf("this user's POSIX queues would need more memory than RLIMIT_MSGQUEUE allows, %d bytes; remove some, make this one smaller, or raise the limit: ulimit -q (%w, %w)",
			limit.Cur, breezeway.ErrTooLarge, err)
	}
	return explainPOSIX(err)
}

// hasDescriptors reports whether this process may open another file. mq_open reports
// that it may not, and that its user's queues need too much memory, by the same number.
func hasDescriptors() bool {
	f, err := os.Open(os.DevNull)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// explainPOSIX adds what the numbers of the mq_ calls don't say.
func explainPOSIX(err error) error {
	switch {
	case errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("this kernel has no POSIX queues, or a sandbox forbids them (%w)", err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("this user, uid %d, may not both read and write the queue (%w)", os.Geteuid(), err)
	}
	return err
}

func openPOSIX(name string, s *posixSettings) (*POSIXQueue, error) {
	fd, err := sys.MqOpen(name, unix.O_RDWR|unix.O_NONBLOCK, 0, nil)
	if err != nil {
		return nil, explainPOSIX(err)
	}
	q, err := newPOSIXQueue(fd)
	if err != nil {
		return nil, err
	}
	if err := trustOwner(q.file, s.access); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

// trustOwner refuses a queue of a user that the rule doesn't trust.
func trustOwner(f *os.File, rule access.Rule) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	of := info.Sys().(*syscall.Stat_t)
	if err := rule.Trusts(breezeway.Peer{UID: int(of.Uid), GID: int(of.Gid)}); err != nil {
		return fmt.Errorf("the queue belongs to uid %d: %w", of.Uid, err)
	}
	return nil
}

// newPOSIXQueue returns the queue of a descriptor, which belongs to it from now on.
func newPOSIXQueue(fd int) (*POSIXQueue, error) {
	attr, err := sys.MqGetattr(fd)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("mq_getattr", err)
	}
	file := os.NewFile(uintptr(fd), "mqueue")
	conn, err := file.SyscallConn()
	if err == nil {
		err = file.SetDeadline(time.Time{}) // fails if the runtime can't poll it
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	size := attr.Size
	return &POSIXQueue{posixHandle: posixHandle{
		file: file, conn: conn, closed: make(chan struct{}), closeOnce: new(sync.Once),
		capacity: attr.Capacity, maxMessage: size,
		receivers: newTurn(), senders: newTurn(),
		buffers: &sync.Pool{New: func() any { b := make([]byte, size); return &b }},
	}}, nil
}

func removePOSIX(name string) error {
	err := sys.MqUnlink(name)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return fmt.Errorf("only the queue's owner and the superuser may remove it, this process is uid %d (%w)", os.Geteuid(), err)
	}
	return err
}

// close ends all waits: those at the poller by closing the file, the others by the channel.
func (h *posixHandle) close() (err error) {
	h.closeOnce.Do(func() {
		close(h.closed)
		err = h.file.Close()
	})
	return err
}

// posixCall is one message to be sent or received. Its functions are made once, so that a
// call costs no allocation.
type posixCall struct {
	sending  bool
	body     []byte
	priority int
	n        int // bytes received
	err      error

	attempt func(fd uintptr) (done bool) // false if the call would have to wait
	once    func(fd uintptr)
	done    bool // by once
}

var posixCalls = sync.Pool{New: func() any {
	c := new(posixCall)
	c.attempt = func(fd uintptr) bool {
		if c.sending {
			c.err = sys.MqSend(int(fd), c.body, c.priority)
		} else {
			c.n, c.priority, c.err = sys.MqReceive(int(fd), c.body)
		}
		return c.err != unix.EAGAIN
	}
	c.once = func(fd uintptr) { c.done = c.attempt(fd) }
	return c
}}

func newCall(sending bool, body []byte, priority int) *posixCall {
	c := posixCalls.Get().(*posixCall)
	c.sending, c.body, c.priority, c.done = sending, body, priority, false
	return c
}

func (c *posixCall) free() {
	c.body = nil
	posixCalls.Put(c)
}

// try makes the call once, and reports whether it is done.
func (h *posixHandle) try(c *posixCall) (done bool, err error) {
	switch {
	case h.conn.Control(c.once) != nil:
		return false, os.ErrClosed
	case !c.done:
		return false, nil
	}
	return true, c.err
}

// do makes the call, and waits until it is done. Its result is the call's error.
func (h *posixHandle) do(ctx context.Context, c *posixCall) error {
	if done, err := h.try(c); done || err != nil {
		return err
	}
	t, wait, setDeadline := h.receivers, h.conn.Read, h.file.SetReadDeadline
	if c.sending {
		t, wait, setDeadline = h.senders, h.conn.Write, h.file.SetWriteDeadline
	}
	if err := t.take(ctx, h.closed); err != nil {
		return err
	}
	defer t.pass()
	for ctx.Err() == nil {
		if err := h.checkRemoved(); err != nil {
			return err
		}
		err := waitUntil(ctx, time.Now().Add(removalBound), setDeadline, func() error { return wait(c.attempt) })
		switch {
		case err == nil:
			return c.err
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return os.ErrClosed
		}
	}
	return context.Cause(ctx)
}

// removalBound is how often a wait looks whether the queue was removed, which nothing
// announces.
const removalBound = 500 * time.Millisecond

func (h *posixHandle) checkRemoved() error {
	switch names, err := sys.Links(h.file); {
	case err != nil:
		return err
	case names == 0:
		return fmt.Errorf("the queue was removed, so that nothing new finds it; close it (%w)", breezeway.ErrRemoved)
	}
	return nil
}

// waitUntil calls wait, which ends at the deadline that was set last, with a deadline that
// comes at once when ctx is done. No deadline is set after it has returned.
func waitUntil(ctx context.Context, deadline time.Time, set func(time.Time) error, wait func() error) error {
	if err := set(deadline); err != nil {
		return err
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		set(time.Unix(1, 0))
	})
	err := wait()
	if !stop() {
		<-ended
	}
	return err
}

func (h *posixHandle) send(ctx context.Context, m *Outgoing) error {
	c := newCall(true, m.Body, m.Priority)
	defer c.free()
	return h.do(ctx, c)
}

func (h *posixHandle) trySend(m *Outgoing) error {
	c := newCall(true, m.Body, m.Priority)
	defer c.free()
	done, err := h.try(c)
	if err == nil && !done {
		return ErrFull
	}
	return err
}

func (h *posixHandle) receive(ctx context.Context, buf []byte) (Message, error) {
	m, _, err := h.receiveInto(buf, func(c *posixCall) (bool, error) { return true, h.do(ctx, c) })
	return m, err
}

func (h *posixHandle) tryReceive(buf []byte) (Message, bool, error) { return h.receiveInto(buf, h.try) }

// receiveInto has a call receive a message into buf, or if it is nil into memory of its
// own.
func (h *posixHandle) receiveInto(buf []byte, call func(*posixCall) (done bool, err error)) (m Message, ok bool, err error) {
	into := buf
	if buf == nil {
		b := h.buffers.Get().(*[]byte)
		defer h.buffers.Put(b)
		into = *b
	}
	c := newCall(false, into, 0)
	defer c.free()
	if ok, err = call(c); err != nil || !ok {
		return Message{}, false, err
	}
	m = Message{Body: into[:c.n], Priority: c.priority}
	if buf == nil {
		m.Body = append(make([]byte, 0, c.n), m.Body...)
	}
	return m, true, nil
}

// stats returns the state of the queue, without the bytes.
func (h *posixHandle) stats() (Stats, error) {
	var attr sys.MqAttr
	var err error
	if h.conn.Control(func(fd uintptr) { attr, err = sys.MqGetattr(int(fd)) }) != nil {
		return Stats{}, os.ErrClosed
	}
	if err != nil {
		return Stats{}, os.NewSyscallError("mq_getattr", err)
	}
	s := kernelStats(attr.Messages, -1, int64(attr.Capacity)*int64(attr.Size))
	s.Capacity, s.MaxMessage = attr.Capacity, attr.Size
	return s, nil
}

// bytes returns how many bytes the messages in the queue have, or -1. The line that the
// kernel writes for that begins with QSIZE and the number.
func (h *posixHandle) bytes() int64 {
	var line [80]byte
	var n int
	var err error
	if h.conn.Control(func(fd uintptr) { n, err = unix.Pread(int(fd), line[:], 0) }) != nil || err != nil {
		return -1
	}
	return queueSize(line[:n])
}

// queueSize returns the number in a line such as "QSIZE:129  NOTIFY:0 …", or -1.
func queueSize(line []byte) int64 {
	number, ok := bytes.CutPrefix(line, []byte("QSIZE:"))
	if !ok {
		return -1
	}
	number, _, _ = bytes.Cut(number, []byte(" "))
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
