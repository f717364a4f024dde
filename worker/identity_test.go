package worker

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// mover is a program whose executable is renamed, and another file put in its place, and
// which changes its working directory, before it starts workers.
var mover = ipctest.Helper("mover", func(c *ipctest.Control) error {
	here := c.Args[0]
	if err := os.Rename(here, c.Args[1]); err != nil {
		return err
	}
	if err := os.WriteFile(here, []byte("no program"), 0o700); err != nil {
		return err
	}
	if err := os.Chdir(filepath.VolumeName(here) + string(filepath.Separator)); err != nil {
		return err
	}
	for range 2 { // the second one after the file was removed, where that can be done
		pool, err := Start(context.Background(), &Config{Workers: 1})
		if errors.Is(err, breezeway.ErrMismatch) {
			c.Say("%v", err)
			return nil
		}
		if err != nil {
			return err
		}
		got, err := double.Call(context.Background(), pool, 21)
		if err != nil {
			return err
		}
		c.Say("%d", got)
		if err := pool.Close(); err != nil {
			return err
		}
		if runtime.GOOS == "linux" {
			os.Remove(c.Args[1])
		}
	}
	return nil
})

func TestRenamedAndReplacedExecutable(t *testing.T) {
	cmd := ipctest.HelperCommand(t, mover)
	dir := t.TempDir()
	here, there := filepath.Join(dir, "here.exe"), filepath.Join(dir, "there.exe")
	copyFile(t, here, cmd.Path)
	cmd.Path = here
	cmd.Args = []string{here, here, there}
	p := ipctest.StartCommand(t, cmd)
	if ipctest.UnderWine() {
		// It tells the name that a file had when it was opened, not the one that it has.
		if got := p.Hear(); !strings.Contains(got, "is another file now") {
			t.Error(got)
		}
		return
	}
	p.Expect("42")
	p.Expect("42")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestGoRun(t *testing.T) {
	if testing.Short() || ipctest.Slow() {
		t.Skip("it builds a program")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command here: ", err)
	}
	out, err := exec.Command("go", "run", "./testdata/program").CombinedOutput()
	if want := "hello, world, from another process: true <nil>\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
}

func TestDirAndEnvironment(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, &Config{Workers: 1, Dir: dir, Env: []string{"WORKER_TEST=value"}})
	if got := mustCall(t, where, pool, "WORKER_TEST"); !sameFile(got[0], dir) || got[1] != "value" {
		t.Errorf("%q, want %q and value", got, dir)
	}
	if got := mustCall(t, where, pool, specVariable); got[1] != "" {
		t.Errorf("children of the worker would think that they are workers: %q", got[1])
	}
}

func sameFile(a, b string) bool {
	ia, aerr := os.Stat(a)
	ib, berr := os.Stat(b)
	return aerr == nil && berr == nil && os.SameFile(ia, ib)
}

// What greets in another way is refused, and why is said.
func TestGreetingsOfOthers(t *testing.T) {
	ours := greeting()
	if err := checkGreeting(ours); err != nil {
		t.Error(err)
	}
	lines := strings.Split(ours, "\n")
	for theirs, want := range map[string]string{
		"":                                       "no worker of this version",
		strings.Replace(ours, " 1\n", " 2\n", 1): "no worker of this version",
		lines[0]:                                 "another build",
		strings.Replace(ours, lines[1], "other", 1):                                                  "another build",
		strings.Join(lines[:len(lines)-1], "\n"):                                                     "lacks the function",
		ours + "\n\"more\": int to int":                                                              "that this process lacks",
		strings.Join(append(append([]string{}, lines[:2]...), append(lines[3:], lines[2])...), "\n"): "another order",
	} {
		if err := checkGreeting(theirs); !errors.Is(err, breezeway.ErrMismatch) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", theirs, err, want)
		}
	}
}

// nested is a function that wants workers of its own.
var nested = Define("nested", func(ctx context.Context, _ int) (string, error) {
	_, err := Start(ctx, nil)
	return "", err
})

func TestWorkersStartNoWorkers(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	if _, err := nested.Call(t.Context(), pool, 0); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("%v", err)
	}
}
