package cli

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/shm"
)

// advised are the verbs and URLs that an error names.
func advised(err error) [][]string {
	return regexp.MustCompile("`ipc (\\S+) ([^ `]+)([^`]*)`").FindAllStringSubmatch(err.Error(), -1)
}

// expectFeasible expects that the command takes what an error advises to do, and
// that the error names these verbs and no others, where the mechanism has them.
func expectFeasible(t *testing.T, err error, scheme string, verbs ...string) {
	t.Helper()
	var named []string
	for _, words := range advised(err) {
		verb, url, flags := words[1], words[2], words[3]
		named = append(named, verb)
		target, refusal := parseURLFor(verb, url)
		if refusal != nil {
			t.Errorf("%v: advises what is refused: %v", err, refusal)
			continue
		}
		if verb != "create" {
			continue
		}
		for _, f := range target.create.needs {
			if !strings.Contains(flags, " --"+f+" ") {
				t.Errorf("%v: without --%s it is refused", err, f)
			}
		}
	}
	verbs = slices.DeleteFunc(verbs, func(verb string) bool {
		m := mechanismOf(scheme)
		return m == nil || !needOf(verb).met(m) || verb == "rm" && m.vanishes()
	})
	if !slices.Equal(named, verbs) {
		t.Errorf("%v: advises the verbs %q, want %q", err, named, verbs)
	}
}

// named is a kind of objects that have names.
type named struct {
	scheme, file string
	create       func(name string) (interface{ Close() error }, error) // nil if nothing creates one
	remove, stat func(name string) error
}

func namedKinds() []named {
	ofSync := func(kind ipcsync.Kind, file string, create func(string) (interface{ Close() error }, error)) named {
		return named{
			string(kind), file, create,
			func(name string) error { return ipcsync.Remove(kind, name, nil) },
			func(name string) error { _, err := ipcsync.Stat(kind, name, nil); return err },
		}
	}
	ofShm := func(kind shm.Kind, create func(string) (interface{ Close() error }, error)) named {
		return named{
			string(kind), string(kind), create,
			func(name string) error { return shm.Remove(kind, name, nil) },
			func(name string) error { _, err := shm.Stat(kind, name, nil); return err },
		}
	}
	type closer = interface{ Close() error }
	return []named{
		ofSync(ipcsync.KindMutex, "mutex", func(name string) (closer, error) { return ipcsync.CreateMutex(name, nil) }),
		ofSync(ipcsync.KindRWMutex, "rwmutex", func(name string) (closer, error) { return ipcsync.CreateRWMutex(name, nil) }),
		ofSync(ipcsync.KindSemaphore, "", func(name string) (closer, error) { return ipcsync.CreateSemaphore(name, 1, nil) }),
		ofSync(ipcsync.KindEvent, "event", func(name string) (closer, error) { return ipcsync.CreateEvent(name, nil) }),
		ofSync(ipcsync.KindBarrier, "barrier", func(name string) (closer, error) { return ipcsync.CreateBarrier(name, 2, nil) }),
		ofSync(ipcsync.KindCond, "cond", func(name string) (closer, error) { return ipcsync.CreateCond(name, nil) }),
		ofSync(ipcsync.KindLeader, "leader", nil),
		ofShm(shm.KindSegment, func(name string) (closer, error) { return shm.Create(name, 64, nil) }),
		ofShm(shm.KindStruct, func(name string) (closer, error) { return shm.CreateStruct[uint64](name, nil) }),
		ofShm(shm.KindLatest, func(name string) (closer, error) { return shm.CreateLatest[uint64](name, nil) }),
		{
			"mq", "mq", func(name string) (closer, error) { return mq.Create(name, nil) },
			func(name string) error { return mq.Remove(name, nil) },
			func(name string) error { _, err := mq.Stat(name, nil); return err },
		},
	}
}

// inBothVoices runs a test for each kind, with the errors that programs get and with
// those that the command prints.
func inBothVoices(t *testing.T, test func(t *testing.T, k named)) {
	for _, k := range namedKinds() {
		t.Run(k.scheme, func(t *testing.T) { test(t, k) })
		t.Run(k.scheme+" in the command", func(t *testing.T) {
			fail.Speak(goWords)
			defer fail.Speak(nil)
			test(t, k)
		})
	}
}

// The library's errors advise only what the command doesn't refuse.
func TestAdviceIsFeasible(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("most of the kinds are for Linux and Windows")
	}
	inBothVoices(t, func(t *testing.T, k named) {
		name := ipctest.UniqueName()
		if err := k.stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat of what isn't there: %v", err)
		} else {
			expectFeasible(t, err, k.scheme, "create")
		}
		if err := k.remove(name); !errors.Is(err, errors.ErrUnsupported) {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Remove of what isn't there: %v", err)
			}
			expectFeasible(t, err, k.scheme)
		}
		if k.create == nil {
			return
		}
		o, err := k.create(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.remove(name) })
		t.Cleanup(func() { o.Close() })
		if _, err = k.create(name); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("Create of what exists: %v", err)
		}
		expectFeasible(t, err, k.scheme, "rm")
	})
}

// So do those of what has another layout.
func TestAdviceOnAnotherLayoutIsFeasible(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("some of the kinds have no file here")
	}
	inBothVoices(t, func(t *testing.T, k named) {
		if k.file == "" || k.scheme == "shm" || k.scheme == "struct" || k.scheme == "latest" {
			return // Stat takes any layout
		}
		name := ipctest.UniqueName()
		path, err := object.Path(k.file, name, breezeway.Session)
		if err == nil {
			err = os.WriteFile(path, make([]byte, 16<<10), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.remove(name) })
		if err := k.stat(name); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("Stat of another layout: %v", err)
		} else {
			expectFeasible(t, err, k.scheme, "rm")
		}
	})
}
