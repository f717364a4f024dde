package pipe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

// What is told of a FIFO is told without opening it, the same by ListFIFOs and StatFIFO.
func TestStatFIFOTellsWhichProcessesHaveItOpen(t *testing.T) {
	path := newFIFO(t)
	expect := func(pids ...int) {
		t.Helper()
		info, err := StatFIFO(path)
		if err != nil || info.Path != path || info.Owner != strconv.Itoa(os.Getuid()) || info.Mode != 0o600 ||
			!slices.Equal(info.PIDs, pids) || info.Open != -1 && info.Open != len(pids) {
			t.Errorf("%+v, %v; want the processes %v", info, err, pids)
		}
		all, err := ListFIFOs(filepath.Dir(path))
		if err != nil || len(all) != 1 || all[0].Path != path || !slices.Equal(all[0].PIDs, pids) {
			t.Errorf("listed: %+v, %v", all, err)
		}
	}
	expect()
	openFIFO(t, path, In, &FIFOConfig{KeepOpen: true})
	expect(os.Getpid())
}

// A writer that waits for a reader isn't released by a look.
func TestStatFIFOReleasesNoWaiter(t *testing.T) {
	path := newFIFO(t)
	writer := shell(t, `echo opening; exec 3>"$1"; echo opened`, path)
	writer.Expect("opening")
	awaitOpen(t, writer)
	if _, err := StatFIFO(path); err != nil {
		t.Error(err)
	}
	if _, err := ListFIFOs(filepath.Dir(path)); err != nil {
		t.Error(err)
	}
	awaitOpen(t, writer)
	openFIFO(t, path, In, nil)
	writer.Expect("opened")
}

func TestStatFIFOOfSomethingElse(t *testing.T) {
	for kind, path := range notFIFOs(t) {
		if _, err := StatFIFO(path); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%s: %v", kind, err)
		}
		if all, err := ListFIFOs(filepath.Dir(path)); err != nil || len(all) > 0 {
			t.Errorf("%+v, %v", all, err)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "x")
	if _, err := StatFIFO(nowhere); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ListFIFOs(nowhere); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
