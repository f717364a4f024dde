package shm

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

// Kind says what a name is that of: each kind has names of its own. It is also the
// Kind of the errors.
type Kind string

const (
	KindSegment Kind = "shm"    // a [Segment]
	KindStruct  Kind = "struct" // a [Struct]
	KindLatest  Kind = "latest" // a [Latest]
)

// adviceTable says for each kind what to do about its errors.
var adviceTable = map[Kind]fail.Advice{
	KindSegment: {
		What: "segment", Create: "shm.Create", Open: "shm.Open", Remove: "shm.Remove(shm.KindSegment, …)",
		Scheme: "shm", Creatable: true, CreateFlags: " --size BYTES", Removable: true,
	},
	KindStruct: {
		What: "struct", Create: "shm.CreateStruct", Open: "shm.OpenStruct", Remove: "shm.Remove(shm.KindStruct, …)",
		Scheme: "struct", Removable: true,
	},
	KindLatest: {
		What: "latest value", Create: "shm.CreateLatest", Open: "shm.OpenLatest", Remove: "shm.Remove(shm.KindLatest, …)",
		Scheme: "latest", Removable: true,
	},
}

func (k Kind) advice() fail.Advice {
	a := adviceTable[k]
	if k == KindSegment && runtime.GOOS == "windows" {
		a.Remove, a.Removable = "", false // it goes with its last handle
	}
	return a
}

// fail puts the error of an operation into a [breezeway.Error] that says what to do.
func (k Kind) fail(op, name string, err error) error {
	if err != nil {
		err = fail.With(op, string(k), name, k.advice().Explain(op, name, err))
	}
	return err
}

// check returns an error unless k is a kind and name one that it can have.
func (k Kind) check(name string) error {
	if _, ok := adviceTable[k]; !ok {
		return fmt.Errorf("%q is none of the kinds shm.KindSegment, shm.KindStruct and shm.KindLatest (%w)", string(k), os.ErrInvalid)
	}
	if k == KindSegment {
		return checkName(name)
	}
	return breezeway.CheckName(name)
}

// Info describes memory that exists.
type Info struct {
	Name     string
	Size     int64       // in bytes: on Windows of a segment in whole pages, of the other kinds with their header
	Owner    string      // uid, or on Windows SID; "" if it can't be learned
	Mode     fs.FileMode // permission bits; 0 for a segment on Windows
	Modified time.Time   // when it was created, resized, or written by a system call, not through memory; zero for a segment on Windows

	// SDDL is the access control list of a segment on Windows.
	SDDL string
	// PIDs are the processes that have it open, as far as this user may look into them;
	// nil on other systems than Linux.
	PIDs []int
	// Open is how many processes have it open, or -1 if this user may not look into all
	// of them. On Windows it is how many handles of a segment there are, and -1 for the
	// other kinds.
	Open int
}

// describe returns what is known of found.
func (k Kind) describe(found []object.Info, s *settings) []Info {
	infos := make([]Info, 0, len(found))
	for _, f := range found {
		infos = append(infos, Info{Name: f.Name, Size: f.Size, Owner: f.Owner, Mode: f.Mode, Modified: f.Modified})
	}
	k.findOpeners(infos, s)
	return infos
}

// Remove removes the name of that kind. Processes that have opened the memory keep
// it, and it is freed when the last of them has closed it; meanwhile a new one of the
// same name can be made. Of cfg only Scope counts.
//
// Remove doesn't look at what is in the memory: it removes a struct or latest value
// of any type, and of any version of the layout. It fails with [os.ErrNotExist] if
// there is none, with [os.ErrPermission] if it is another user's, and with
// [breezeway.ErrMismatch] if the name is not that of a regular file.
//
// On Windows a segment goes with its last handle, and Remove of one fails with
// [errors.ErrUnsupported]; a struct or latest value that a process has open can't be
// removed ([os.ErrPermission]).
func Remove(kind Kind, name string, cfg *Config) error {
	s, err := cfg.settings()
	if err == nil {
		err = kind.check(name)
	}
	if err == nil {
		err = kind.remove(name, &s)
	}
	return kind.fail(breezeway.OpRemove, name, err)
}

func (k Kind) remove(name string, s *settings) error {
	if k == KindSegment {
		return removeSegment(name)
	}
	path, err := object.Path(string(k), name, s.Scope)
	if err != nil {
		return err
	}
	return object.Remove(path)
}

// List describes all memory of a kind on this machine, in the order of the names,
// whichever user's it is and in whatever layout. Files that Open would refuse for
// their name, or for not being regular, are left out. Of cfg only Scope counts. On Windows
// segments are the kernel's: of one that this user may not read only the name is told, and
// Size is -1.
func List(kind Kind, cfg *Config) ([]Info, error) {
	s, err := cfg.settings()
	if err == nil {
		err = kind.check("x")
	}
	var found []object.Info
	if err == nil {
		found, err = kind.list(&s)
	}
	if err != nil {
		return nil, fail.With(breezeway.OpList, string(kind), "", err)
	}
	return kind.describe(found, &s), nil
}

func (k Kind) list(s *settings) ([]object.Info, error) {
	if k == KindSegment {
		return listSegments(s)
	}
	return object.List(string(k), s.Scope)
}

// Stat describes the memory that has the name, whichever user's it is and in whatever
// layout. Of cfg only Scope counts. It fails with [os.ErrNotExist] if there is none,
// and with [breezeway.ErrMismatch] if the name is not that of a regular file.
func Stat(kind Kind, name string, cfg *Config) (Info, error) {
	s, err := cfg.settings()
	if err == nil {
		err = kind.check(name)
	}
	var info object.Info
	if err == nil {
		info, err = kind.stat(name, &s)
	}
	if err != nil {
		return Info{}, kind.fail(breezeway.OpStat, name, err)
	}
	return kind.describe([]object.Info{info}, &s)[0], nil
}

func (k Kind) stat(name string, s *settings) (object.Info, error) {
	if k == KindSegment {
		return statSegment(name, s)
	}
	path, err := object.Path(string(k), name, s.Scope)
	if err != nil {
		return object.Info{}, err
	}
	return object.Stat(path, name)
}
