package socket

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"golang.org/x/sys/unix"
)

// passed are the descriptors that the program was started with, and Activated has not
// returned.
var passed struct {
	once  sync.Once
	mu    sync.Mutex
	files []passedFile
}

type passedFile struct {
	name string
	*os.File
}

// firstPassed is the number of the first descriptor (sd_listen_fds(3)).
const firstPassed = 3

// takePassed takes the descriptors from the environment, so that no child takes them for
// its own.
func takePassed() {
	count, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	mine := os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
	for _, v := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		os.Unsetenv(v)
	}
	for i := range count {
		fd := firstPassed + i
		// The rest of an absurd number is not there.
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !mine || err != nil {
			return
		}
		unix.CloseOnExec(fd)
		name := "unknown" // as systemd calls those without a name
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		passed.files = append(passed.files, passedFile{name, os.NewFile(uintptr(fd), name)})
	}
}

func activated(name string, cfg *Config) (*Listener, error) {
	passed.once.Do(takePassed)
	passed.mu.Lock()
	defer passed.mu.Unlock()
	i, err := findPassed(name)
	if err != nil {
		return nil, err
	}
	l, err := activate(passed.files[i].File, cfg)
	if err != nil {
		return nil, err
	}
	passed.files[i].Close()
	passed.files = slices.Delete(passed.files, i, i+1)
	return l, nil
}

func findPassed(name string) (int, error) {
	var names []string
	for _, f := range passed.files {
		names = append(names, f.name)
	}
	if name == "" && len(names) == 1 {
		return 0, nil
	}
	if i := slices.Index(names, name); i >= 0 {
		return i, nil
	}
	if len(names) == 0 {
		return 0, fmt.Errorf("no listener was passed to this process, or each was returned already (%w)", os.ErrNotExist)
	}
	return 0, fmt.Errorf("no listener with this name was passed to this process, but: %s (%w)", strings.Join(names, ", "), os.ErrNotExist)
}

// activate makes a Listener of f, which the caller closes.
func activate(f *os.File, cfg *Config) (*Listener, error) {
	n, err := listeningKind(f)
	if err != nil {
		return nil, err
	}
	if cfg != nil && cfg.TLS != nil && n.name == "tcp" {
		n = transports[3]
	}
	s, err := cfg.settings(n)
	if err != nil {
		return nil, err
	}
	if s.HandOver != "" {
		return nil, fmt.Errorf("%s is for Listen: the program that passed the listener keeps it open (%w)", fail.Go("Config.HandOver"), os.ErrInvalid)
	}
	if n.tls {
		if s.TLS, err = s.serverTLS(); err != nil {
			return nil, err
		}
	}
	b, err := adopt(f, n, "", socketFile{}, &s)
	if err == nil {
		err = listenAgain(b)
	}
	if err != nil {
		return nil, err
	}
	return newListener(b, n, b.Addr().String(), s), nil
}
