package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
)

func TestEventsOutlastTheStore(t *testing.T) {
	file := newFile(t)
	first := keep(t, file)
	put(t, first, lesson(1))
	put(t, first, lesson(2))
	if err := first.Delete(background, "lesson-2"); err != nil {
		t.Fatal(err)
	}
	changed := lesson(1)
	changed.Name = "Chemistry"
	put(t, first, changed)
	first.Close()

	second := keep(t, file)
	page, err := second.Between(background, at("2026-11-23T00:00:00Z"), at("2026-11-24T00:00:00Z"))
	if err != nil || len(page.Events) != 1 || page.Events[0].Name != "Chemistry" {
		t.Errorf("%+v, %v, want the changed event alone", page, err)
	}
}

func TestRefusedEventsArriveAsProblems(t *testing.T) {
	k := keep(t, newFile(t))
	_, err := k.Put(background, event.Event{ID: "a", Start: "x", End: "2026-11-23T10:00", Zone: "UTC"})
	var problems event.Problems
	if !errors.As(err, &problems) || problems["name"] == "" || problems["start"] == "" || len(problems) != 2 {
		t.Errorf("%v, want a word at name and start", err)
	}
}

func TestTwoKeepersShareOneStore(t *testing.T) {
	file := newFile(t)
	first, second := keep(t, file), keep(t, file)
	put(t, first, lesson(1))
	if got := ids(t, second, "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"); !slices.Equal(got, []string{"lesson-1"}) {
		t.Errorf("the second keeper sees %v", got)
	}
	one, other := await(t, first, running), await(t, second, running)
	if one.PID != other.PID {
		t.Errorf("two stores run: %d and %d", one.PID, other.PID)
	}
	// The end of either keeper leaves the other one a store.
	first.Close()
	put(t, second, lesson(2))
}

func TestWatchersLearnOfChanges(t *testing.T) {
	file := newFile(t)
	first, second := keep(t, file), keep(t, file)
	before := await(t, second, running).Changes
	put(t, first, lesson(1))
	await(t, second, func(s State) bool { return s.Changes > before })
}

// TestKeeperSaysWhyTheStoreFails has a file that is no database, and then one that is.
func TestKeeperSaysWhyTheStoreFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "timetable.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	k := keep(t, file)
	await(t, k, func(s State) bool { return s.Phase == Failing && strings.Contains(s.Reason, "invalid database") })
	if err := os.Rename(file, file+".bad"); err != nil {
		t.Fatal(err)
	}
	put(t, k, lesson(1))
	await(t, k, running)
}

// TestDamagedFileIsNotWrittenTo damages a file in ways that don't keep it from being opened.
func TestDamagedFileIsNotWrittenTo(t *testing.T) {
	file := newFile(t)
	k := keep(t, file)
	for i := range 50 {
		e := lesson(i)
		e.Name = strings.Repeat("A long name. ", 15)
		put(t, k, e)
	}
	k.Close()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	one := bytes.LastIndex(whole, []byte(`{"id":"lesson-`))
	if one < 0 {
		t.Fatal("the file has no event")
	}
	for what, damage := range map[string]func([]byte) []byte{
		"a letter of an event": func(b []byte) []byte { b[one] = 'x'; return b },
		"pages of events":      func(b []byte) []byte { clear(b[one&^4095:][:4096]); return b },
		"its second half":      func(b []byte) []byte { return b[:len(b)/2&^4095] },
		"all but its head":     func(b []byte) []byte { return b[:8192] },
		"everything":           func(b []byte) []byte { return nil },
	} {
		t.Run(what, func(t *testing.T) {
			damaged := damage(bytes.Clone(whole))
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			k := keep(t, file)
			state := await(t, k, func(s State) bool { return s.Phase != Starting })
			t.Log(state.Reason)
			if state.Phase != Failing || !strings.Contains(state.Reason, file) {
				t.Errorf("%+v, want %s and a reason that names the file", state, Failing)
			}
			now, err := os.ReadFile(file)
			if runtime.GOOS == "windows" && len(now) > len(damaged) {
				now = now[:len(damaged)] // bbolt lengthens there what it maps
			}
			if err != nil || !bytes.Equal(now, damaged) {
				t.Errorf("the file was written to, %v", err)
			}
			// A copy of what there was makes it go on.
			if err := os.WriteFile(file, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			await(t, k, running)
			if got := ids(t, k, "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"); len(got) != 50 {
				t.Errorf("%d events are there, want 50", len(got))
			}
			k.Close()
		})
	}
}

func TestCallsEndWithTheirContext(t *testing.T) {
	file := t.TempDir() // which can't be opened as a file
	k := keep(t, file)
	ctx, cancel := context.WithCancel(background)
	await(t, k, func(s State) bool { return s.Phase == Failing })
	cancel()
	if _, err := k.Put(ctx, lesson(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func TestAStoreFileIsTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes; the folder's access list is inherited")
	}
	file := newFile(t)
	put(t, keep(t, file), lesson(1))
	for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700 | os.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// TestAnswersAreBounded asks for more events than an answer holds.
func TestAnswersAreBounded(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "timetable.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.db.NoSync = true // the test is quicker, and kills nothing
	for i := range MaxEvents + 1 {
		if _, err := s.Put(lesson(i)); err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.Between(at("2026-11-23T00:00:00Z"), at("2026-11-30T00:00:00Z"))
	if err != nil || len(page.Events) != MaxEvents || !page.More {
		t.Errorf("%d events, more: %v, %v", len(page.Events), page.More, err)
	}
	page, err = s.Between(at("2026-11-23T00:30:00Z"), at("2026-11-23T00:31:00Z"))
	if err != nil || len(page.Events) != 31 || page.More {
		t.Errorf("%d events, more: %v, %v, want those that began up to then", len(page.Events), page.More, err)
	}
}

// TestAllTimeIsAsked asks from the first year that can be written to the last.
func TestAllTimeIsAsked(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "timetable.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Put(lesson(1)); err != nil {
		t.Fatal(err)
	}
	page, err := s.Between(at("0000-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z"))
	if err != nil || len(page.Events) != 1 {
		t.Errorf("%d events, %v, want 1", len(page.Events), err)
	}
}

// TestLongEventsAreFound asks for a time in the middle of the longest event.
func TestLongEventsAreFound(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "timetable.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, zone := range []string{"Pacific/Kiritimati", "Etc/GMT+12"} {
		e := event.Event{ID: fmt.Sprint(i), Name: "Holidays", Start: "2026-07-01T00:00", End: "2026-08-01T00:00", Zone: zone}
		if _, err := s.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		from string
		want int
	}{{"2026-06-30T09:00:00Z", 0}, {"2026-06-30T10:00:00Z", 1}, {"2026-07-20T00:00:00Z", 2}, {"2026-07-31T11:00:00Z", 1}, {"2026-08-01T12:00:00Z", 0}} {
		from := at(c.from)
		page, err := s.Between(from, from.Add(time.Minute))
		if err != nil || len(page.Events) != c.want {
			t.Errorf("at %s %d events, %v, want %d", c.from, len(page.Events), err, c.want)
		}
	}
}
