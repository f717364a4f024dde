package object

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What another process has put under the temporary name is not used: it would keep
// its owner and its access control list.
func TestTemporaryFileIsNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".new.squatted")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	security, err := access.Rule{}.SecurityAttributes("")
	if err != nil {
		t.Fatal(err)
	}
	h, err := createNew(path, security)
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, %v", h, err)
	}
	if text, err := os.ReadFile(path); string(text) != "precious" || err != nil {
		t.Errorf("it was not left alone: %q, %v", text, err)
	}
}

// The temporary name is another one each time, and the file can't be opened by it.
func TestTemporaryNameCannotBeGuessed(t *testing.T) {
	dir := t.TempDir()
	var seen []string
	for range 3 {
		f, err := Create(filepath.Join(dir, "object"), 10, access.Rule{}, func(*os.File) error {
			names := files(t, dir)
			if len(names) != 1 || len(names[0]) < len(".new.")+26 || slices.Contains(seen, names[0]) {
				t.Errorf("named %q, before %q", names, seen)
			}
			seen = append(seen, names...)
			h, err := createFile(filepath.Join(dir, names[0]), windows.GENERIC_READ, nil, windows.OPEN_EXISTING)
			if err == nil {
				windows.CloseHandle(h)
			}
			if err == nil && !ipctest.UnderWine() { // Wine opens files that are being removed
				t.Error("it was opened")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if names := files(t, dir); !slices.Equal(names, []string{"object"}) {
			t.Errorf("%q", names)
		}
		f.Close()
		if err := Remove(filepath.Join(dir, "object")); err != nil {
			t.Fatal(err)
		}
	}
}

// A create that fails leaves nothing, wherever it fails.
func TestFailedCreateLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "object")
	broken := errors.New("broken")
	if _, err := Create(path, 10, access.Rule{}, func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if names := files(t, dir); len(names) > 0 {
		t.Errorf("%q", names)
	}
	first, err := Create(path, 10, access.Rule{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Create(path, 10, access.Rule{}, nil); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if names := files(t, dir); !slices.Equal(names, []string{"object"}) {
		t.Errorf("%q", names)
	}
}

// filler is killed while it fills the object in the directory Args[0].
var filler = ipctest.Helper("filler", func(c *ipctest.Control) error {
	_, err := Create(filepath.Join(c.Args[0], "object"), 10, access.Rule{}, func(*os.File) error {
		c.Say("filling")
		c.Hear()
		return nil
	})
	return err
})

func TestCreateKilledLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	p := ipctest.Start(t, filler, dir)
	p.Expect("filling")
	p.Kill()
	p.Wait()
	if names := files(t, dir); len(names) > 0 {
		t.Errorf("%q", names)
	}
}
