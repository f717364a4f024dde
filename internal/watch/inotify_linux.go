package watch

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// shared is the inotify instance of this process. One goroutine reads its events
// while it is open.
var shared struct {
	mu            sync.Mutex
	inotify       *os.File                             // nil while it is closed
	fd            int                                  // of inotify
	subscriptions map[int32]map[*Subscription]struct{} // by watch descriptor
	idle          *time.Timer                          // closes inotify
}

// linger is how long the instance stays open without subscriptions.
const linger = 100 * time.Millisecond

// Subscription is one call of File or Path that was granted.
type Subscription struct {
	watch  int32  // descriptor
	events uint32 // which of those that the watch has
	base   string // of which file in the directory; "" for the file itself
	notify func()
}

// File calls notify when a process closes the file that f has open, which had it
// open for writing, or when the file loses a name or gets another one. It reports false if the system
// grants no watch. notify runs on a goroutine of this package, must not block, and
// may run once more while Cancel returns.
func File(f *os.File, notify func()) (*Subscription, bool) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, false
	}
	s := &Subscription{events: unix.IN_CLOSE_WRITE | unix.IN_ATTRIB | unix.IN_MOVE_SELF, notify: notify}
	closed := conn.Control(func(fd uintptr) {
		err = s.subscribe("/proc/self/fd/" + strconv.Itoa(int(fd)))
	})
	if err != nil || closed != nil {
		return nil, false
	}
	return s, true
}

// Path calls notify when a file appears at path, or when the attributes of the one
// there change, as File does.
func Path(path string, notify func()) (*Subscription, bool) {
	dir, base := filepath.Split(path) // Dir would resolve a .. after a link wrongly
	s := &Subscription{
		events: unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ATTRIB,
		base:   base,
		notify: notify,
	}
	if s.subscribe(dir+".") != nil {
		return nil, false
	}
	return s, true
}

func (s *Subscription) subscribe(path string) error {
	i := &shared
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.inotify == nil {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return err
		}
		i.inotify, i.fd = os.NewFile(uintptr(fd), "inotify"), fd
		i.subscriptions = map[int32]map[*Subscription]struct{}{}
		go read(i.inotify)
	}
	defer closeIfIdle()
	// Another subscription may have the same file.
	n, err := unix.InotifyAddWatch(i.fd, path, s.events|unix.IN_MASK_ADD)
	if err != nil {
		return err
	}
	s.watch = int32(n)
	if i.subscriptions[s.watch] == nil {
		i.subscriptions[s.watch] = map[*Subscription]struct{}{}
	}
	i.subscriptions[s.watch][s] = struct{}{}
	return nil
}

// Cancel ends the subscription. On nil, and when called again, it does nothing.
func (s *Subscription) Cancel() {
	if s == nil {
		return
	}
	i := &shared
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, subscribed := i.subscriptions[s.watch][s]; !subscribed {
		return // its descriptor may be another's by now
	}
	delete(i.subscriptions[s.watch], s)
	if len(i.subscriptions[s.watch]) == 0 {
		delete(i.subscriptions, s.watch)
		unix.InotifyRmWatch(i.fd, uint32(s.watch))
	}
	closeIfIdle()
}

// closeIfIdle has the instance closed after a while, if it has no subscriptions. It is
// called with shared.mu held.
func closeIfIdle() {
	i := &shared
	switch {
	case len(i.subscriptions) > 0:
	case i.idle == nil:
		i.idle = time.AfterFunc(linger, closeIdle)
	default:
		i.idle.Reset(linger)
	}
}

func closeIdle() {
	i := &shared
	i.mu.Lock()
	inotify := i.inotify
	if inotify == nil || len(i.subscriptions) > 0 {
		i.mu.Unlock()
		return
	}
	i.inotify = nil
	i.mu.Unlock()
	inotify.Close()
}

// read notifies subscriptions until the instance is closed.
func read(inotify *os.File) {
	events := make([]byte, 4096)
	for {
		n, err := inotify.Read(events)
		if err != nil {
			return
		}
		for rest := events[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			watch, mask := int32(binary.NativeEndian.Uint32(rest)), binary.NativeEndian.Uint32(rest[4:])
			size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(rest[12:]))
			name := strings.TrimRight(string(rest[unix.SizeofInotifyEvent:size]), "\x00")
			rest = rest[size:]
			for _, s := range concerned(inotify, watch, mask, name) {
				s.notify()
			}
		}
	}
}

// concerned returns the subscriptions that an event concerns: all of them when the
// kernel has dropped events.
func concerned(inotify *os.File, watch int32, mask uint32, name string) (concerned []*Subscription) {
	i := &shared
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.inotify != inotify {
		return nil // closed meanwhile
	}
	for of, subscriptions := range i.subscriptions {
		for s := range subscriptions {
			if mask&unix.IN_Q_OVERFLOW != 0 || of == watch && mask&s.events != 0 && name == s.base {
				concerned = append(concerned, s)
			}
		}
	}
	return concerned
}
