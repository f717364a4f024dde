package object

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
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
