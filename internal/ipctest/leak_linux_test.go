package ipctest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// leaveEnv asks TestLeavesSomething for what it is to leave behind.
const leaveEnv = "BREEZEWAY_TEST_LEAVE"

// leaver is a helper that leaves things behind, as one does that was killed or
// forgot to clean up.
var leaver = Helper("leaver", func(c *Control) error {
	switch c.Args[0] {
	case "object":
		name := filepath.Join(objectDirectory(), "bw.test."+UniqueName())
		c.Say("%s", name)
		return os.WriteFile(name, nil, 0o600)
	case "file":
		f, err := os.CreateTemp("", "left")
		if err != nil {
			return err
		}
		c.Say("%s", f.Name())
		return f.Close()
	}
	return errors.New("leaves what?")
})

// stayer is a process that runs until its standard input ends.
var stayer = Helper("stayer", func(c *Control) error {
	c.Hear()
	return nil
})

// TestLeavesSomething is a part of TestLeftoversAreFound.
func TestLeavesSomething(t *testing.T) {
	what := os.Getenv(leaveEnv)
	if what == "" {
		t.Skip("only run by TestLeftoversAreFound")
	}
	leakPatience = 100 * time.Millisecond // the process stays for certain
	switch what {
	case "process":
		p := HelperCommand(t, stayer)
		p.Stdin = os.Stdin // the outer test's, so that it lasts longer than this process
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		t.Log("left:", "stayer")
		p.Process.Release()
	default:
		p := Start(t, leaver, what)
		t.Log("left:", p.Hear())
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// What a helper leaves behind fails the run of the package that started it.
func TestLeftoversAreFound(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	used[leaver], used[stayer] = true, true // by the test binary's other process
	for what, complaint := range map[string]string{
		"object":  "left behind: ",
		"file":    "left in TMPDIR: ",
		"process": "still running: ",
	} {
		t.Run(what, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close() // ends the process that stays
			defer r.Close()
			cmd := exec.Command(exe, "-test.run=^TestLeavesSomething$", "-test.v")
			cmd.Env = append(os.Environ(), leaveEnv+"="+what)
			cmd.Stdin = r
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), complaint) {
				t.Errorf("%v, want a complaint %q:\n%s", err, complaint, out)
			}
			_, rest, _ := strings.Cut(string(out), "left: ")
			if left, _, _ := strings.Cut(rest, "\n"); filepath.IsAbs(left) {
				if !strings.Contains(string(out), complaint+left) {
					t.Errorf("it doesn't name %s:\n%s", left, out)
				}
				os.Remove(left)
				os.Remove(filepath.Dir(left)) // the run's own TMPDIR, if it was in there
			}
		})
	}
}
