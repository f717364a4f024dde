package wait

import (
	"encoding/binary"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// departures tells those who wait long when somebody closes the file of their
// object, as everybody does who dies, or when it loses its name: inotify reports
// that. One goroutine listens while anybody wants to know.
var departures struct {
	mu      sync.Mutex
	inotify *os.File                // nil while nobody wants to know
	fd      int                     // its
	words   map[int32]map[*Word]int // how many want to know it of each word, by watch descriptor
}

// watch has the word nudged from now on, until unwatch is called with what it
// returns. It reports false if that can't be had.
func (w *Word) watch() (as int32, ok bool) {
	if w.file == nil {
		return 0, false
	}
	d := &departures
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inotify == nil {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return 0, false // a user has few
		}
		d.inotify, d.fd = os.NewFile(uintptr(fd), "inotify"), fd
		d.words = map[int32]map[*Word]int{}
		go listen(d.inotify)
	}
	as, err := addWatch(d.fd, w.file)
	if err == nil {
		if d.words[as] == nil {
			d.words[as] = map[*Word]int{}
		}
		d.words[as][w]++
	}
	closeIfUnused()
	return as, err == nil
}

func addWatch(inotify int, f *os.File) (wd int32, err error) {
	file, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	closed := file.Control(func(fd uintptr) {
		var n int
		n, err = unix.InotifyAddWatch(inotify, "/proc/self/fd/"+strconv.Itoa(int(fd)), unix.IN_CLOSE_WRITE|unix.IN_ATTRIB)
		wd = int32(n)
	})
	if closed != nil {
		err = closed
	}
	return wd, err
}

// unwatch takes a watch back.
func (w *Word) unwatch(as int32) {
	d := &departures
	d.mu.Lock()
	defer d.mu.Unlock()
	words := d.words[as]
	if words[w]--; words[w] == 0 {
		delete(words, w)
	}
	if len(words) == 0 {
		delete(d.words, as)
		unix.InotifyRmWatch(d.fd, uint32(as))
	}
	closeIfUnused()
}

// closeIfUnused ends listen. It is called with the mutex held.
func closeIfUnused() {
	if d := &departures; len(d.words) == 0 {
		d.inotify.Close()
		d.inotify = nil
	}
}

func listen(inotify *os.File) {
	events := make([]byte, 4096)
	for {
		n, err := inotify.Read(events)
		if err != nil {
			return
		}
		for rest := events[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			wd, mask := binary.NativeEndian.Uint32(rest), binary.NativeEndian.Uint32(rest[4:])
			rest = rest[unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(rest[12:])):]
			tell(inotify, int32(wd), mask&unix.IN_Q_OVERFLOW != 0)
		}
	}
}

// tell nudges the words of a watch descriptor, or all.
func tell(inotify *os.File, wd int32, all bool) {
	d := &departures
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inotify != inotify {
		return // closed meanwhile
	}
	for of, words := range d.words {
		if all || of == wd {
			for w := range words {
				w.nudge()
			}
		}
	}
}

// nudge has the leader look.
func (w *Word) nudge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nudged.Store(true)
	switch n := w.first; {
	case n == nil:
	case n.seat != nil:
		n.seat.ring()
	case n.group != nil:
		n.group.askBack(&n.arm)
	}
}
