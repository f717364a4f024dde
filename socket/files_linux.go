package socket

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/unix"
)

func (c *Conn) sendFiles(p []byte, files []*os.File) (n int, err error) {
	werr := withDescriptors(files, nil, func(fds []int) {
		n, _, err = c.raw.(*net.UnixConn).WriteMsgUnix(p, unix.UnixRights(fds...), nil)
	})
	if werr != nil {
		return 0, werr
	}
	for err == nil && n < len(p) { // the descriptors have gone with the first bytes
		var m int
		m, err = c.raw.Write(p[n:])
		n += m
	}
	return n, err
}

// withDescriptors calls f with the descriptors of files, which nothing closes meanwhile.
func withDescriptors(files []*os.File, fds []int, f func(fds []int)) error {
	if len(files) == 0 {
		f(fds)
		return nil
	}
	if files[0] == nil {
		return fmt.Errorf("a file is nil (%w)", os.ErrInvalid)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return fmt.Errorf("%s: %w", files[0].Name(), err)
	}
	if closed := raw.Control(func(fd uintptr) { err = withDescriptors(files[1:], append(fds, int(fd)), f) }); closed != nil {
		return fmt.Errorf("%s: %w", files[0].Name(), os.ErrClosed)
	}
	return err
}

func (c *Conn) receiveFiles(p []byte, most int) (int, []*os.File, error) {
	// The kernel passes no more descriptors than there is room for, and says so. Package
	// net asks for descriptors that children don't inherit.
	control := make([]byte, unix.CmsgSpace(4*most))
	n, controls, flags, _, err := c.raw.(*net.UnixConn).ReadMsgUnix(p, control)
	files, rerr := filesOf(control[:controls])
	switch {
	case err != nil:
	case flags&unix.MSG_CTRUNC != 0:
		err = tooManyFiles(most, len(files))
	case len(files) > most: // the room is rounded up
		err = &breezeway.TooLargeError{Size: uint64(len(files)), Max: uint64(most)}
	case rerr != nil:
		err = rerr
	default:
		err = tooLarge(n, flags, nil)
	}
	if err != nil {
		closeAll(files)
		return 0, nil, err
	}
	return n, files, nil
}

// tooManyFiles says why the kernel has passed less than was sent.
func tooManyFiles(most, got int) error {
	if got < most {
		return fmt.Errorf("not all files could be taken: this process may have no more descriptors (%w)", unix.EMFILE)
	}
	return fmt.Errorf("more files came than are taken, %d; all were closed (%w)", most, breezeway.ErrTooLarge)
}

// filesOf returns the files of control messages, as many as there are with an error too.
func filesOf(control []byte) (files []*os.File, err error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	for _, m := range messages {
		fds, ferr := unix.ParseUnixRights(&m)
		err = errors.Join(err, ferr)
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
