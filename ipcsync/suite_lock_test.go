package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// suiteLock is a lock as ipctest.TestLock takes it.
type suiteLock struct {
	lock  func(context.Context) (Held, error)
	try   func() (Held, bool, error)
	stats func() (Stats, error)
	close func() error
}

func (l suiteLock) Lock(ctx context.Context) (ipctest.Held, error) { return l.lock(ctx) }
func (l suiteLock) TryLock() (ipctest.Held, bool, error)           { return l.try() }
func (l suiteLock) Close() error                                   { return l.close() }

func suiteWaiters(l ipctest.Lock) (int, error) {
	st, err := l.(suiteLock).stats()
	return st.Waiters, err
}

// lockProcess is the other process in the tests of locks.
var lockProcess = ipctest.LockHelper("lock process", openSuiteLock)

// openSuiteLock opens the lock args[0] that is called args[1], or lies in the file
// args[2].
func openSuiteLock(args []string) (ipctest.Lock, error) {
	cfg, forget, err := placeOf(args[2:])
	if err != nil {
		return nil, err
	}
	defer forget()
	name := args[1]
	switch args[0] {
	case "mutex":
		m, err := OpenMutex(name, cfg)
		return suiteLock{m.Lock, m.TryLock, m.Stats, m.Close}, err
	case "rwmutex write":
		m, err := OpenRWMutex(name, cfg)
		return suiteLock{m.Lock, m.TryLock, m.Stats, m.Close}, err
	case "rwmutex read":
		m, err := OpenRWMutex(name, cfg)
		return suiteLock{m.RLock, m.TryRLock, m.Stats, m.Close}, err
	case "file", "flock":
		l, err := OpenFileLock(name, &Config{Flock: args[0] == "flock"})
		return suiteLock{l.Lock, l.TryLock, nil, l.Close}, err
	case "leader":
		return candidacy{name}, nil
	}
	return nil, fmt.Errorf("there is no lock %q", args[0])
}

// placeOf returns what opens an object in the file, if one is named, and what is to
// be called when it is open: it closes what the object doesn't need any more.
func placeOf(file []string) (cfg *Config, forget func(), err error) {
	if len(file) == 0 {
		return nil, func() {}, nil
	}
	f, err := os.OpenFile(file[0], os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	return &Config{At: Place{File: f}}, func() { f.Close() }, nil
}

// candidacy is the leadership for a name as a lock.
type candidacy struct{ name string }

func (c candidacy) Lock(ctx context.Context) (ipctest.Held, error) {
	l, err := Lead(ctx, c.name, nil)
	return leading{l}, err
}

// TryLock makes use of that Lead takes what is free though its context is done.
func (c candidacy) TryLock() (ipctest.Held, bool, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h, err := c.Lock(ctx)
	if errors.Is(err, context.Canceled) {
		return nil, false, nil
	}
	return h, err == nil, err
}

func (c candidacy) Close() error { return nil }

type leading struct{ *Leader }

func (l leading) Unlock() error         { return l.Resign() }
func (l leading) MarkConsistent() error { return nil } // Lead has done it

func waitingToLead(l ipctest.Lock) (int, error) {
	st, err := Stat(KindLeader, l.(candidacy).name, nil)
	return st.Waiters, err
}

// makeObject makes an object with create, by name or in a file, and returns its name and
// that of the file.
func makeObject[T interface {
	comparable
	Close() error
}](t *testing.T, kind Kind, where string, create func(string, *Config) (T, error)) []string {
	t.Helper()
	name, cfg := ipctest.UniqueName(), &Config{}
	args := []string{name}
	switch where {
	case "0666":
		cfg.Mode = 0o666
	case "placed":
		name, cfg.At = "", newPlace(t, 1)
		args = []string{"", cfg.At.File.Name()}
	}
	o, err := create(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		if name != "" {
			removeIfThere(t, kind, name)
		}
	})
	return args
}

// removable returns what removes objects of a kind, where objects that are open
// can be removed.
func removable(kind Kind, where string) func(args []string) error {
	if runtime.GOOS != "linux" || where == "placed" {
		return nil
	}
	return func(args []string) error { return Remove(kind, args[1], nil) }
}

// slowElsewhere are tests that wait for long, and for what has nothing to do with
// how memory is protected: those of named objects are enough.
func slowElsewhere(where string) []string {
	if where == "0666" || where == "placed" {
		return []string{"holder stopped", "stopped processes", "removed"}
	}
	return nil
}

func TestMutexIsALock(t *testing.T) {
	for _, where := range []string{"named", "0666", "placed"} {
		t.Run(where, func(t *testing.T) {
			ipctest.TestLock(t, ipctest.Locks{
				Make: func(t *testing.T) (lock, rival []string) {
					args := append([]string{"mutex"}, makeObject(t, KindMutex, where, CreateMutex)...)
					return args, args
				},
				Open: openSuiteLock, Process: lockProcess,
				Waiters: suiteWaiters, Remove: removable(KindMutex, where), Tells: true,
				Lacks: slowElsewhere(where),
			})
		})
	}
}

func TestRWMutexIsALock(t *testing.T) {
	for _, side := range []struct{ lock, rival, where string }{
		{"write", "write", "named"}, {"write", "write", "0666"}, {"write", "write", "placed"},
		{"read", "write", "named"}, {"read", "write", "0666"},
		{"write", "read", "named"},
	} {
		t.Run(side.lock+" against "+side.rival+", "+side.where, func(t *testing.T) {
			ipctest.TestLock(t, ipctest.Locks{
				Make: func(t *testing.T) (lock, rival []string) {
					args := makeObject(t, KindRWMutex, side.where, CreateRWMutex)
					return append([]string{"rwmutex " + side.lock}, args...), append([]string{"rwmutex " + side.rival}, args...)
				},
				Open: openSuiteLock, Process: lockProcess,
				Waiters: suiteWaiters, Remove: removable(KindRWMutex, side.where),
				Tells: side.rival == "write", // a reader changed nothing
				Lacks: slowElsewhere(side.where),
			})
		})
	}
}

func TestFileLockIsALock(t *testing.T) {
	sorts := []string{"file"}
	if sys.HasFlock {
		sorts = append(sorts, "flock")
	}
	for _, sort := range sorts {
		t.Run(sort, func(t *testing.T) {
			locks := ipctest.Locks{
				Make: func(t *testing.T) (lock, rival []string) {
					args := []string{sort, filepath.Join(t.TempDir(), "lock")}
					return args, args
				},
				Open: openSuiteLock, Process: lockProcess,
			}
			if runtime.GOOS == "linux" {
				locks.Remove = func(args []string) error { return os.Remove(args[1]) }
			}
			ipctest.TestLock(t, locks)
		})
	}
}

func TestLeadIsALock(t *testing.T) {
	ipctest.TestLock(t, ipctest.Locks{
		Make: func(t *testing.T) (lock, rival []string) {
			name := ipctest.UniqueName()
			t.Cleanup(func() { removeIfThere(t, KindLeader, name) })
			return []string{"leader", name}, []string{"leader", name}
		},
		Open: openSuiteLock, Process: lockProcess,
		Waiters: waitingToLead, Remove: removable(KindLeader, "named"), Tells: true,
		Lacks: []string{
			"counts in turns",                        // the race detector sees no order between two calls of Lead
			"unlock twice", "recovered until marked", // Resign may be repeated, and Lead marks
			"closed", "closed by its holder", "closed during calls", // only a leader can be closed
		},
	})
}

// removeIfThere removes an object, unless it is gone or the system removes it.
func removeIfThere(t testing.TB, kind Kind, name string) {
	t.Helper()
	err := Remove(kind, name, nil)
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) && !ipctest.UnderWine() {
		t.Error(err)
	}
}
