package wait

import (
	"encoding/binary"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// closeWatch subscribes long waiters to the file-close events of their objects'
// files: inotify reports when a process closes the file, which includes its death,
// and when the file loses a name. One goroutine reads the events while there are
// subscribers.
var closeWatch struct {
	mu      sync.Mutex
	inotify *os.File                // nil while there are no subscribers
	fd      int                     // of inotify
	words   map[int32]map[*Word]int // subscribers per word, by watch descriptor
}

// subscribe has fileChanged called for the word's file until unsubscribe is called
// with the watch descriptor that subscribe returns. It reports false if the system
// grants no watch.
func (w *Word) subscribe() (watch int32, ok bool) {
	if w.file == nil {
		return 0, false
	}
	c := &closeWatch
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inotify == nil {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return 0, false // a user may have few of them
		}
		c.inotify, c.fd = os.NewFile(uintptr(fd), "inotify"), fd
		c.words = map[int32]map[*Word]int{}
		go readEvents(c.inotify)
	}
	watch, err := addWatch(c.fd, w.file)
	if err == nil {
		if c.words[watch] == nil {
			c.words[watch] = map[*Word]int{}
		}
		c.words[watch][w]++
	}
	closeIfUnused()
	return watch, err == nil
}

func addWatch(inotify int, f *os.File) (watch int32, err error) {
	file, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	closed := file.Control(func(fd uintptr) {
		var n int
		n, err = unix.InotifyAddWatch(inotify, "/proc/self/fd/"+strconv.Itoa(int(fd)), unix.IN_CLOSE_WRITE|unix.IN_ATTRIB)
		watch = int32(n)
	})
	if closed != nil {
		err = closed
	}
	return watch, err
}

// unsubscribe undoes one subscribe.
func (w *Word) unsubscribe(watch int32) {
	c := &closeWatch
	c.mu.Lock()
	defer c.mu.Unlock()
	words := c.words[watch]
	if words[w]--; words[w] == 0 {
		delete(words, w)
	}
	if len(words) == 0 {
		delete(c.words, watch)
		unix.InotifyRmWatch(c.fd, uint32(watch))
	}
	closeIfUnused()
}

// closeIfUnused ends readEvents when there are no subscribers. It is called with
// closeWatch.mu held.
func closeIfUnused() {
	if c := &closeWatch; len(c.words) == 0 {
		c.inotify.Close()
		c.inotify = nil
	}
}

func readEvents(inotify *os.File) {
	events := make([]byte, 4096)
	for {
		n, err := inotify.Read(events)
		if err != nil {
			return
		}
		for rest := events[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			watch, mask := binary.NativeEndian.Uint32(rest), binary.NativeEndian.Uint32(rest[4:])
			rest = rest[unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(rest[12:])):]
			notify(inotify, int32(watch), mask&unix.IN_Q_OVERFLOW != 0)
		}
	}
}

// notify calls fileChanged of the words of one watch descriptor, or of all words
// when the kernel has dropped events.
func notify(inotify *os.File, watch int32, all bool) {
	c := &closeWatch
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inotify != inotify {
		return // it was closed meanwhile
	}
	for of, words := range c.words {
		if all || of == watch {
			for w := range words {
				w.fileChanged()
			}
		}
	}
}

// fileChanged makes the leading waiter check.
func (w *Word) fileChanged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fileEvent.Store(true)
	switch n := w.first; {
	case n == nil:
	case n.ownThread != nil:
		n.ownThread.unpark()
	case n.sharedThread != nil:
		n.sharedThread.cancel(&n.entry)
	}
}
