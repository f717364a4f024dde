package shm

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, new(Segment), new(Struct[uint64]), new(Latest[uint64]), new(LatestWriter[uint64]))
}

func TestConformance(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("there are no segments here")
	}
	t.Run("segment", func(t *testing.T) {
		ipctest.TestMapping(t, func(t *testing.T, size int) (first, second, readOnly ipctest.Mapping) {
			name := ipctest.UniqueName()
			t.Cleanup(func() { removeIfThere(t, name) })
			seg, err := Create(name, int64(size), nil)
			if err != nil {
				t.Fatal(err)
			}
			same, err := Open(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			ro, err := Open(name, &Config{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			return seg, same, ro
		})
	})
	t.Run("unnamed segment", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("unnamed segments are for Linux")
		}
		ipctest.TestMapping(t, func(t *testing.T, size int) (first, second, readOnly ipctest.Mapping) {
			seg, err := CreateUnnamed(int64(size), nil)
			if err != nil {
				t.Fatal(err)
			}
			same, err := OpenFile(seg.File(), int64(size), nil)
			if err != nil {
				t.Fatal(err)
			}
			ro, err := OpenFile(seg.File(), 0, &Config{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			return seg, same, ro
		})
	})
}

// Remove, List and Stat take files of our kinds in whatever layout.
func TestForeignLayout(t *testing.T) {
	for _, kind := range []Kind{KindStruct, KindLatest} {
		name := ipctest.UniqueName()
		path, err := object.Path(string(kind), name, breezeway.Session)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("of another version"), 0o640); err != nil {
			t.Fatal(err)
		}
		info, err := Stat(kind, name, nil)
		if err != nil || info.Name != name || info.Size != 18 || info.Owner == "" || time.Since(info.Modified) > time.Hour {
			t.Errorf("%s: %+v, %v", kind, info, err)
		}
		if runtime.GOOS != "windows" && info.Mode != 0o640 {
			t.Errorf("%s: mode %v", kind, info.Mode)
		}
		infos, err := List(kind, nil)
		if err != nil || !slices.ContainsFunc(infos, func(i Info) bool { return reflect.DeepEqual(i, info) }) {
			t.Errorf("%s: %+v, %v", kind, infos, err)
		}
		if err := Remove(kind, name, nil); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("it is still there: %v", err)
		}
		_, err = Stat(kind, name, nil)
		ipctest.WantError(t, err, os.ErrNotExist, name)
		ipctest.WantError(t, Remove(kind, name, nil), os.ErrNotExist)
	}
}

// Remove takes nothing that is no regular file, and no name that is none.
func TestRemoveIsCareful(t *testing.T) {
	for _, kind := range []Kind{KindStruct, KindLatest} {
		name := ipctest.UniqueName()
		path, err := object.Path(string(kind), name, breezeway.Session)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		ipctest.WantError(t, Remove(kind, name, nil), breezeway.ErrMismatch, "directory")
		_, err = Stat(kind, name, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, "directory")
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
		for _, bad := range []string{"", "a/b", "..", filepath.Join("..", "x")} {
			ipctest.WantError(t, Remove(kind, bad, nil), os.ErrInvalid)
			_, err = Stat(kind, bad, nil)
			ipctest.WantError(t, err, os.ErrInvalid)
		}
	}
	ipctest.WantError(t, Remove("mutex", "x", nil), os.ErrInvalid, "shm.KindSegment")
	_, err := List("", nil)
	ipctest.WantError(t, err, os.ErrInvalid, "shm.KindSegment")
	_, err = Stat("mutex", "x", nil)
	ipctest.WantError(t, err, os.ErrInvalid)
}

func TestStatOfASegment(t *testing.T) {
	seg := mustCreate(t, 5000, nil)
	info, err := Stat(KindSegment, seg.Name(), nil)
	if err != nil || info.Name != seg.Name() || info.Size != roundSize(5000) || info.Owner == "" {
		t.Errorf("%+v, %v", info, err)
	}
	_, err = Stat(KindSegment, ipctest.UniqueName(), nil)
	ipctest.WantError(t, err, os.ErrNotExist, "shm.Create")
}

// What means nothing is refused, and nothing is made.
func TestOptionsThatMeanNothing(t *testing.T) {
	name := ipctest.UniqueName()
	fill := func([]byte) error { return nil }
	small := &Config{HugePages: true}
	for what, call := range map[string]func() error{
		"Create, ReadOnly":             func() error { _, err := Create(name, 4096, &Config{ReadOnly: true}); return err },
		"Create, HugePages":            func() error { _, err := Create(name, 4096, small); return err },
		"OpenOrCreate, ReadOnly":       func() error { _, err := OpenOrCreate(name, 4096, &Config{ReadOnly: true}); return err },
		"Open, Fill":                   func() error { _, err := Open(name, &Config{Fill: fill}); return err },
		"CreateStruct, ReadOnly":       func() error { _, err := CreateStruct[state](name, &Config{ReadOnly: true}); return err },
		"CreateStruct, Fill":           func() error { _, err := CreateStruct[state](name, &Config{Fill: fill}); return err },
		"OpenStruct, Fill":             func() error { _, err := OpenStruct[state](name, &Config{Fill: fill}); return err },
		"OpenOrCreateStruct, ReadOnly": func() error { _, err := OpenOrCreateStruct[state](name, &Config{ReadOnly: true}); return err },
		"CreateLatest, ReadOnly":       func() error { _, err := CreateLatest[state](name, &Config{ReadOnly: true}); return err },
		"CreateLatest, HugePages":      func() error { _, err := CreateLatest[state](name, small); return err },
		"OpenOrCreateLatest, ReadOnly": func() error { _, err := OpenOrCreateLatest[state](name, &Config{ReadOnly: true}); return err },
		"CreateUnnamed, Allow":         func() error { _, err := CreateUnnamed(4096, &Config{Allow: []string{"0"}}); return err },
		"CreateUnnamed, Scope":         func() error { _, err := CreateUnnamed(4096, &Config{Scope: breezeway.Machine}); return err },
		"OpenFile, Mode":               func() error { _, err := OpenFile(os.Stdin, 0, &Config{Mode: 0o666}); return err },
		"OpenFile, nil":                func() error { _, err := OpenFile(nil, 0, nil); return err },
	} {
		if err := call(); !errors.Is(err, os.ErrInvalid) {
			if runtime.GOOS == "windows" && errors.Is(err, errors.ErrUnsupported) {
				continue // unnamed segments
			}
			t.Errorf("%s: %v, want os.ErrInvalid", what, err)
		}
	}
	for _, kind := range []Kind{KindSegment, KindStruct, KindLatest} {
		if _, err := Stat(kind, name, nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestFill(t *testing.T) {
	name := ipctest.UniqueName()
	refused := errors.New("nothing to fill it with")
	_, err := Create(name, 5000, &Config{Fill: func([]byte) error { return refused }})
	ipctest.WantError(t, err, refused, name)
	_, err = Open(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist)
	seg, err := OpenOrCreate(name, 5000, &Config{Fill: func(b []byte) error { copy(b[4990:], "filled"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, seg)
	if got := string(seg.Bytes()[4990:4996]); got != "filled" || seg.Len() != 5000 {
		t.Errorf("%q, %d bytes", got, seg.Len())
	}
	again, err := OpenOrCreate(name, 5000, &Config{Fill: func(b []byte) error { copy(b, "again"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, again)
	if again.Bytes()[0] != 0 {
		t.Error("what existed was filled again")
	}
}

func TestCreateAndOpenByKind(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenLatest[line](name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "shm.CreateLatest")
	l, err := CreateLatest[line](name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer Remove(KindLatest, name, nil)
	defer l.Close()
	_, err = CreateLatest[line](name, nil)
	ipctest.WantError(t, err, os.ErrExist, "shm.OpenLatest", "shm.KindLatest")
	same, err := OpenLatest[line](name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	if !l.Created() || same.Created() {
		t.Errorf("created: %v and %v", l.Created(), same.Created())
	}
	_, err = OpenStruct[line](name, nil) // kinds have names of their own
	ipctest.WantError(t, err, os.ErrNotExist, "struct")
}

// How many have memory open is told, or -1, and never 0 while it is open.
func TestStatTellsWhichProcessesHaveMemoryOpen(t *testing.T) {
	seg := mustCreate(t, 5000, nil)
	info, err := Stat(KindSegment, seg.Name(), nil)
	if err != nil || info.Open == 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if runtime.GOOS == "linux" && !slices.Equal(info.PIDs, []int{os.Getpid()}) {
		t.Errorf("processes %v, want this one", info.PIDs)
	}
	if runtime.GOOS == "windows" && info.Open != 1 {
		t.Errorf("%d handles, want 1", info.Open)
	}
	infos, err := List(KindSegment, nil)
	if err != nil || !slices.ContainsFunc(infos, func(i Info) bool { return reflect.DeepEqual(i, info) }) {
		t.Errorf("%+v is not in %+v, %v", info, infos, err)
	}
}
