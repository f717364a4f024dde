//go:build unix

package pipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

func makeFIFO(path string, rule access.Rule) error {
	path, err := local.Locate(path)
	if err != nil {
		return err
	}
	// Until it has its rights only this user may open it. The directory's default
	// access control list could add others to a wider mode.
	if err := unix.Mkfifo(path, uint32(rule.FileMode()&0o700)); err != nil {
		if info, _ := os.Lstat(path); info != nil {
			return fmt.Errorf("something is there already: %v of uid %d (%w)", info.Mode(), uidOf(info), err)
		}
		return err
	}
	made, err := os.Lstat(path)
	if err == nil {
		err = isFIFO(made)
	}
	if err != nil {
		return err // it was replaced
	}
	if err := local.Permit(path, made, rule); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

func removeFIFO(path string) error {
	path, err := local.Locate(path)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if err := isFIFO(info); err != nil {
		return err
	}
	return os.Remove(path)
}

func isFIFO(info fs.FileInfo) error {
	if info.Mode().Type() != fs.ModeNamedPipe {
		return fmt.Errorf("not a FIFO but %v; it was left alone (%w)", info.Mode(), breezeway.ErrMismatch)
	}
	return nil
}

func uidOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// acceptable reports whether info is that of a FIFO whose owner the rule trusts.
func acceptable(info fs.FileInfo, access access.Rule) error {
	if err := isFIFO(info); err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if err := access.Trusts(breezeway.Peer{UID: int(st.Uid), GID: int(st.Gid)}); err != nil {
		return fmt.Errorf("the FIFO's owner is not trusted: %w", err)
	}
	return nil
}

func (f *FIFO) open(ctx context.Context, access access.Rule, keepOpen bool) (err error) {
	flags := unix.O_WRONLY
	switch {
	case keepOpen:
		flags = unix.O_RDWR // being a writer ourselves, we never see the last one close
	case f.d == In:
		flags = unix.O_RDONLY
	}
	var pause watch.Backoff
	for {
		f.f, err = openEnd(f.path, flags, access)
		if !errors.Is(err, unix.ENXIO) {
			break
		}
		// No process reads. Only a blocking open could wait for that as an event,
		// and it can't be cancelled.
		if err := pause.Sleep(ctx); err != nil {
			return err
		}
	}
	if err != nil || flags != unix.O_RDONLY {
		return err
	}
	if err := f.awaitWriter(ctx); err != nil {
		f.f.Close()
		return err
	}
	return nil
}

// openEnd opens the path without waiting. What is there is looked at before,
// because opening alone can have effects on a device or release a writer, and
// after, because it may have been replaced.
func openEnd(path string, flags int, access access.Rule) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, explainFIFO(err)
	}
	if err := acceptable(info, access); err != nil {
		return nil, err
	}
	f, err := local.OpenFile(path, flags)
	if err == nil {
		f, err = aboveStandard(f)
	}
	if err != nil {
		return nil, explainFIFO(err)
	}
	if info, err = f.Stat(); err == nil {
		err = acceptable(info, access)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func explainFIFO(err error) error {
	switch err = fail.Bare(err); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("nothing is there; make it with %s (%w)", fail.Go("MakeFIFO"), err)
	case errors.Is(err, unix.ELOOP):
		return fmt.Errorf("a symbolic link; it was left alone (%w, %w)", breezeway.ErrMismatch, err)
	}
	return err
}

// awaitWriter waits until a process has opened the FIFO for writing.
func (f *FIFO) awaitWriter(ctx context.Context) error {
	raw, err := f.f.SyscallConn()
	if err != nil {
		return err
	}
	var pause watch.Backoff
	for ctx.Err() == nil {
		// The poller tells of bytes and of a writer that has come and gone, but
		// not of one that has come: that is asked for from time to time.
		f.f.SetReadDeadline(time.Now().Add(pause.Next()))
		ended := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			defer close(ended)
			f.f.SetReadDeadline(time.Unix(1, 0))
		})
		var met bool
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			met, failed = f.lookForWriter(int(fd))
			return met || failed != nil
		})
		if !stop() {
			<-ended
		}
		switch {
		case failed != nil:
			return failed
		case met:
			return f.f.SetReadDeadline(time.Time{})
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
	}
	return context.Cause(ctx)
}

// readAhead is PIPE_BUF on Linux: what one write puts there, one Read gets.
const readAhead = 4096

// lookForWriter tries to read, which is the one question that the kernel answers
// with whether there are writers. What it gets is kept for the first Read.
func (f *FIFO) lookForWriter(fd int) (met bool, err error) {
	buf := make([]byte, readAhead)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case n > 0:
			f.first = buf[:n]
			return true, nil
		case err == unix.EAGAIN:
			return true, nil // it has written nothing yet
		case err == nil:
			return hadWriter(fd), nil
		case err != unix.EINTR:
			return false, os.NewSyscallError("read", err)
		}
	}
}
