package mq

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// newcomer opens or creates the durable queue Args[0], sends the message Args[1], says
// whether it has made the queue, and waits.
var newcomer = ipctest.Helper("newcomer", func(c *ipctest.Control) error {
	c.Say("ready")
	c.Hear()
	q, err := OpenOrCreate(c.Args[0], &Config{Capacity: 100})
	if err != nil {
		return err
	}
	defer q.Close()
	if err := q.Send(context.Background(), Outgoing{Body: []byte(c.Args[1])}); err != nil {
		return err
	}
	c.Say("created %v", q.Created())
	c.Hear()
	return nil
})

// Of several processes that open or create a durable queue at once, one makes it, and what
// each has sent is in it.
func TestManyOpenOrCreateDurableQueue(t *testing.T) {
	const processes = 6
	for range max(3, ipctest.Count(300)) {
		path := filepath.Join(t.TempDir(), "jobs")
		for _, existing := range []bool{false, true} {
			var ps []*ipctest.Process
			for i := range processes {
				p := ipctest.Start(t, newcomer, path, strconv.Itoa(i))
				p.Expect("ready")
				ps = append(ps, p)
			}
			for _, p := range ps {
				p.Say("go")
			}
			created := 0
			for _, p := range ps {
				if p.Hear() == "created true" {
					created++
				}
			}
			for _, p := range ps {
				p.Say("end")
				if err := p.Wait(); err != nil {
					t.Errorf("%v: %s", err, p.Stderr())
				}
			}
			if want := map[bool]int{false: 1, true: 0}[existing]; created != want {
				t.Errorf("existing %v: %d have made it", existing, created)
			}
		}
		q := reopen(t, path)
		got := map[string]int{}
		for q.length() > 0 {
			m := mustReceive(t, q)
			got[string(m.Body)]++
		}
		for i := range processes {
			if got[strconv.Itoa(i)] != 2 {
				t.Errorf("received %v", got)
			}
		}
	}
}

// attempt calls Create, Open, OpenOrCreate, Stat and Remove, and returns their errors.
func attempt(path string) map[string]error {
	closed := func(q *LocalQueue, err error) error {
		if err == nil {
			err = q.Close()
		}
		return err
	}
	_, stat := Stat(path, nil)
	return map[string]error{
		"create":         closed(Create(path, nil)),
		"open":           closed(Open(path, nil)),
		"open or create": closed(OpenOrCreate(path, nil)),
		"stat":           stat,
		"remove":         Remove(path, nil),
	}
}

// wantAll fails the test unless all errors wrap target, and have a text.
func wantAll(t *testing.T, errs map[string]error, target error, text string) {
	t.Helper()
	for what, err := range errs {
		if !errors.Is(err, target) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v; want %v, %q", what, err, target, text)
		}
	}
}

// A symbolic link is not followed, wherever it leads to, and stays.
func TestDurableQueueThroughSymbolicLink(t *testing.T) {
	path := newDurable(t, 2, nil)
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	for _, to := range []string{path, filepath.Join(dir, "absent")} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		if _, err := os.Lstat(link); err != nil {
			t.Skip("symbolic links don't work here: ", err) // Wine
		}
		errs := attempt(link)
		ipctest.WantError(t, errs["create"], fs.ErrExist)
		delete(errs, "create")
		wantAll(t, errs, breezeway.ErrMismatch, "a symbolic link")
		if _, err := os.Lstat(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what the link leads to was made: %v", err)
		}
		if err := os.Remove(link); err != nil {
			t.Error(err)
		}
	}
	// The directory may be one, as that of any other file.
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		t.Fatal(err)
	}
	if found := receiveAll(t, reopen(t, filepath.Join(link, "jobs"))); found != "ab" {
		t.Errorf("found %q", found)
	}
}

func TestDurableQueueInMissingDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	errs := attempt(filepath.Join(dir, "jobs"))
	ipctest.WantError(t, errs["remove"], fs.ErrNotExist)
	delete(errs, "remove")
	wantAll(t, errs, fs.ErrNotExist, dir)
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
}

// What is no queue is left as it is.
func TestDurableQueueOfAnotherFile(t *testing.T) {
	for what, content := range map[string]string{"empty": "", "short": "text", "long": strings.Repeat("text", 10_000)} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			errs := attempt(path)
			ipctest.WantError(t, errs["create"], fs.ErrExist, "no queue", "choose another path")
			delete(errs, "create")
			wantAll(t, errs, breezeway.ErrMismatch, "")
			if b, err := os.ReadFile(path); string(b) != content || err != nil {
				t.Errorf("it has %d bytes now, %v", len(b), err)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		errs := attempt(t.TempDir())
		ipctest.WantError(t, errs["create"], fs.ErrExist)
		delete(errs, "create")
		wantAll(t, errs, breezeway.ErrMismatch, "")
	})
}

func TestListDurable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "a"} {
		q, err := Create(filepath.Join(dir, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "link")) // where there are links
	paths, err := ListDurable(dir, nil)
	if want := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}; !slices.Equal(paths, want) || err != nil {
		t.Errorf("%q, %v", paths, err)
	}
	_, err = ListDurable(filepath.Join(dir, "absent"), nil)
	ipctest.WantError(t, err, fs.ErrNotExist)
	_, err = ListDurable("relative", nil)
	ipctest.WantError(t, err, fs.ErrInvalid)
}
