package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestMain makes the test binary a program that can become a store, as the keepers of its
// tests need.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		os.Exit(Main(os.Args[2:]))
	}
	ipctest.Main(m)
}

var (
	background = context.Background()
	quiet      = slog.New(slog.DiscardHandler)
)

// keep keeps a store of a file until the test ends.
func keep(t *testing.T, file string) *Keeper {
	t.Helper()
	k, err := Keep(file, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func newFile(t *testing.T) string { return filepath.Join(t.TempDir(), "new", "timetable.db") }

// await waits until the keeper's state is as wanted.
func await(t *testing.T, k *Keeper, wanted func(State) bool) State {
	t.Helper()
	for patience := time.After(ipctest.Patience); ; {
		state, changed := k.State()
		if wanted(state) {
			return state
		}
		select {
		case <-changed:
		case <-patience:
			t.Fatalf("the state stays %+v", state)
		}
	}
}

func running(s State) bool { return s.Phase == Running }

// kill kills the store's process as kill -9 does.
func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
		p.Release()
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

func lesson(i int) event.Event {
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Minute)
	return event.Event{ID: fmt.Sprint("lesson-", i), Name: fmt.Sprint("Lesson ", i), Zone: "UTC",
		Start: start.Format(event.Layout), End: start.Add(time.Hour).Format(event.Layout)}
}

func at(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

// ids returns the ids of the events between two instants.
func ids(t *testing.T, k *Keeper, from, to string) (ids []string) {
	t.Helper()
	page, err := k.Between(background, at(from), at(to))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		ids = append(ids, e.ID)
	}
	return ids
}

func put(t *testing.T, k *Keeper, e event.Event) {
	t.Helper()
	if _, err := k.Put(background, e); err != nil {
		t.Fatal(err)
	}
}
