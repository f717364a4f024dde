package local

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Watch wakes a waiter when something happens to the file at a path: our own
// servers announce themselves so. Where it can't watch (the directory is
// missing, the user has no inotify instance left) it only pauses.
type Watch struct {
	inotify *os.File // nil if nothing can be watched
	base    string
	pause   Backoff
	buf     [4096]byte
}

// NewWatch starts to watch path. Look for the file after that, not before.
func NewWatch(path string) *Watch {
	w := &Watch{base: filepath.Base(path)}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return w
	}
	const events = unix.IN_ATTRIB | unix.IN_CREATE | unix.IN_MOVED_TO
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), events); err != nil {
		unix.Close(fd)
		return w
	}
	w.inotify = os.NewFile(uintptr(fd), "inotify")
	return w
}

// Wait returns nil when the file may have changed, at the latest after a pause
// of at most 50 ms, or the cause of ctx's end.
func (w *Watch) Wait(ctx context.Context) error {
	if w.inotify == nil {
		return w.pause.Sleep(ctx)
	}
	w.inotify.SetReadDeadline(time.Now().Add(w.pause.Next()))
	stop := context.AfterFunc(ctx, func() { w.inotify.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for ctx.Err() == nil {
		n, err := w.inotify.Read(w.buf[:])
		if err != nil {
			break // the pause is over
		}
		if w.concerns(w.buf[:n]) {
			return nil
		}
	}
	return context.Cause(ctx)
}

// concerns reports whether one of the inotify events names our file.
func (w *Watch) concerns(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		size := int(binary.NativeEndian.Uint32(events[12:]))
		name := events[unix.SizeofInotifyEvent:][:size]
		if strings.TrimRight(string(name), "\x00") == w.base {
			return true
		}
		events = events[unix.SizeofInotifyEvent+size:]
	}
	return false
}

// Close stops watching.
func (w *Watch) Close() {
	if w.inotify != nil {
		w.inotify.Close()
	}
}
