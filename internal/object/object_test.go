package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/mmap"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

func TestOpenOrMake(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		what         string
		open, create []error // one call after the other; the last one stays
		created      bool
		err          error
	}{
		{"there is one", []error{nil}, nil, false, nil},
		{"there is none", []error{fs.ErrNotExist}, []error{nil}, true, nil},
		{"another process is faster", []error{fs.ErrNotExist, nil}, []error{fs.ErrExist}, false, nil},
		{"it comes and goes", []error{fs.ErrNotExist, fs.ErrNotExist}, []error{fs.ErrExist, nil}, true, nil},
		{"it comes and goes for ever", []error{fs.ErrNotExist}, []error{fs.ErrExist}, false, fs.ErrExist},
		{"open fails", []error{broken}, nil, false, broken},
		{"create fails", []error{fs.ErrNotExist}, []error{broken}, false, broken},
		{"open fails for another reason", []error{Final(fs.ErrNotExist)}, nil, false, fs.ErrNotExist},
		{"create fails for another reason", []error{fs.ErrNotExist, broken}, []error{Final(fs.ErrExist)}, false, fs.ErrExist},
	} {
		next := func(errs *[]error) func() (string, error) {
			return func() (string, error) {
				err := (*errs)[0]
				if len(*errs) > 1 {
					*errs = (*errs)[1:]
				}
				return "object", err
			}
		}
		_, created, err := OpenOrMake(next(&c.open), next(&c.create))
		if created != c.created || !errors.Is(err, c.err) {
			t.Errorf("%s: created %v, %v", c.what, created, err)
		}
	}
}

// Only the name's own error means that another process was faster: what fill returns
// may wrap the same, and fill is not called again.
func TestErrorOfFillIsReturned(t *testing.T) {
	path, err := Path("test", ipctest.UniqueName(), breezeway.Session)
	if err != nil {
		t.Fatal(err)
	}
	why := fmt.Errorf("the template is there already: %w", fs.ErrExist)
	calls := 0
	_, created, err := OpenOrCreate(path, 100, access.Rule{}, false, func(*os.File) error {
		calls++
		return why
	})
	if err != why || created || calls != 1 {
		t.Errorf("%d calls of fill, created %v, %v", calls, created, err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestCreateListRemove(t *testing.T) {
	kind := "test" + ipctest.UniqueName() // of this run alone
	want := []string{"a", "b.1", "c"}
	for _, name := range want {
		path, err := Path(kind, name, breezeway.Session)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Create(path, 100, access.Rule{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if _, err := Create(path, 100, access.Rule{}, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("made twice: %v", err)
		}
	}
	infos, err := List(kind, breezeway.Session)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, info := range infos {
		got = append(got, info.Name)
		if info.Size != 100 || info.Owner == "" {
			t.Errorf("%+v", info)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("List has %v, want %v", got, want)
	}
	for _, name := range want {
		path, err := Path(kind, name, breezeway.Session)
		if err != nil {
			t.Fatal(err)
		}
		if err := Remove(path); err != nil {
			t.Error(err)
		}
		if err := Remove(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removed twice: %v", err)
		}
	}
}

func TestRemoveIsForFiles(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Skip("symbolic links don't work here: ", err) // Wine
	}
	for _, path := range []string{dir, link} {
		if err := Remove(path); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
}

// An object that can't be mapped never appears.
func TestObjectThatCannotBeMapped(t *testing.T) {
	rule, err := access.New(0, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Spec{
		Header: &layout.Header{Kind: "test", Version: 1, Reader: 1, Writer: 1, Payload: 64},
		Name:   ipctest.UniqueName(), Access: rule, Map: mmap.Config{Advice: -1},
	}
	path, err := Path("test", s.Name, s.Scope)
	if err != nil {
		t.Fatal(err)
	}
	for _, create := range []func() (*Mapped, error){s.Create, s.OpenOrCreate} {
		if _, err := create(); err == nil {
			t.Fatal("it was mapped")
		}
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			t.Error("it was left: ", err)
		}
	}
}
