package ipctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// laterEnv names a file, in which TestIsLate leaves a byte each time.
const laterEnv = "BREEZEWAY_TEST_LATER"

// TestIsLate is a part of TestLateTestsRunAgain.
func TestIsLate(t *testing.T) {
	path := os.Getenv(laterEnv)
	if path == "" {
		t.Skip("only run by TestLateTestsRunAgain")
	}
	runs, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(runs, '.'), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("part of (it)", func(t *testing.T) {
		if !strings.HasSuffix(path, "once") || len(runs) == 0 {
			Late(struct{ *testing.T }{t}, "run %d", len(runs)+1) // as a conformance test's
		}
	})
}

func TestLateTestsRunAgain(t *testing.T) {
	for _, c := range []struct {
		late string
		runs int
		ok   bool
	}{
		{"once", 2, true},
		{"always", 1 + attempts, false},
	} {
		path := filepath.Join(t.TempDir(), c.late)
		cmd := exec.Command(os.Args[0], "-test.run=^TestIsLate$", "-test.timeout=1m")
		cmd.Env = append(os.Environ(), laterEnv+"="+path)
		out, err := cmd.CombinedOutput()
		if runs, _ := os.ReadFile(path); len(runs) != c.runs || (err == nil) != c.ok {
			t.Errorf("late %s: %d runs, %v\n%s", c.late, len(runs), err, out)
		}
		if told := strings.Contains(string(out), "TestIsLate/part_of_(it) was late"); told == c.ok {
			t.Errorf("late %s: %s", c.late, out)
		}
	}
}
