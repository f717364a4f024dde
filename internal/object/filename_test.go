package object

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestEscapedNames(t *testing.T) {
	for name, want := range map[string]string{
		"jobs": "jobs", "TX": "^t^x", "tx": "tx", "Tx.1": "^tx.1", "a.": "a.^", "A..": "^a..^", "NUL": "^n^u^l", "nul": "nul",
	} {
		if got := escapeName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got, ok := unescapeName(want); got != name || !ok {
			t.Errorf("%s: %s, %v, want %s", want, got, ok, name)
		}
	}
	for _, text := range []string{"TX", "a.", "^", "^^", "^1", "a^", "^a^", ".^^", "^.", "^A", "^a.^."} {
		if name, ok := unescapeName(text); ok && breezeway.CheckName(name) == nil {
			t.Errorf("%s is %s", text, name)
		}
	}
}

// Every name that is portable has a file on every system.
func TestLongNames(t *testing.T) {
	for _, kind := range []string{"mutex", "barrier", "eightful"} {
		name := strings.Repeat("X", breezeway.PortableNameLen-1) + "."
		if _, err := fileName(kind, name); err != nil || len(prefix(kind)+escapeName(name)) > maxFileName {
			t.Error(err)
		}
	}
	_, err := fileName("mutex", strings.Repeat("X", breezeway.MaxNameLen))
	if foldsNames && !errors.Is(err, os.ErrInvalid) || !foldsNames && err != nil {
		t.Error(err)
	}
}

// Names that differ are objects that differ, and List returns them as they were given.
func TestNamesThatAlmostAgree(t *testing.T) {
	unique := strings.ToLower(ipctest.UniqueName())
	names := []string{unique + "tx", unique + "TX", unique + "Tx", unique + "tx.", unique + "tx..", "NUL." + unique, "nul." + unique, unique + ".NUL", unique + ".nul"}
	for i, name := range names {
		path, err := Path("test", name, breezeway.Session)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Create(path, int64(10+i), access.Rule{}, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() {
			f.Close()
			if err := Remove(path); err != nil {
				t.Error(err)
			}
		})
	}
	infos, err := List("test", breezeway.Session)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, info := range infos {
		sizes[info.Name] = info.Size
	}
	for i, name := range names {
		if sizes[name] != int64(10+i) {
			t.Errorf("%s has %d bytes, want %d", name, sizes[name], 10+i)
		}
	}
}

// A file that another program has put beside the objects is not taken for one.
func TestListLeavesOutOtherFiles(t *testing.T) {
	if !foldsNames {
		t.Skip("this system tells names apart, so none is escaped")
	}
	dir, err := directory(breezeway.Session)
	if err != nil {
		t.Fatal(err)
	}
	name := "bw.test.UPPER" + ipctest.UniqueName()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	infos, err := List("test", breezeway.Session)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, info := range infos {
		if strings.HasPrefix(info.Name, "UPPER") {
			t.Error(info.Name)
		}
	}
}
