package ipctest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// In the comment of a model each such line is one check, with words that are
// defined for it; what follows them says why.
var modelCheck = regexp.MustCompile(`(?m)^ \* (holds|fails):((?: [A-Z_]+\b)*)`)

// Model checks the Promela model in file exhaustively with spin, once for each
// line of its comment such as
//
//   - holds: KILL
//   - fails: KILL NO_FENCE  the store is still in its buffer
//
// with KILL and NO_FENCE defined. A model that a check says fails has to fail,
// which shows that the others could.
func Model(t *testing.T, file string) {
	t.Helper()
	spin, gcc := peerTool(t, "spin"), peerTool(t, "gcc")
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	checks := modelCheck.FindAllStringSubmatch(string(text), -1)
	if len(checks) == 0 {
		t.Fatalf("%s has no line that begins with \" * holds:\"", file)
	}
	for _, c := range checks {
		want, words := c[1], strings.Fields(c[2])
		t.Run(strings.Join(append([]string{want}, words...), " "), func(t *testing.T) {
			dir := t.TempDir()
			in := func(name string, args ...string) string {
				cmd := exec.Command(name, args...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", cmd, err, out)
				}
				return string(out)
			}
			args := []string{"-a"}
			for _, w := range words {
				args = append(args, "-D"+w)
			}
			in(spin, append(args, file)...)
			in(gcc, "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c")
			out := in(filepath.Join(dir, "pan"), "-m1000000")
			complete := !strings.Contains(out, "Search not completed") && !strings.Contains(out, "max search depth too small")
			holds := strings.Contains(out, "errors: 0\n")
			switch {
			case want == "holds" && !(holds && complete):
				t.Errorf("it fails; run spin -t -p on the trail:\n%s", out)
			case want == "fails" && holds:
				t.Errorf("it holds, though broken:\n%s", out)
			}
			for line := range bytes.Lines([]byte(out)) {
				if bytes.Contains(line, []byte("states, stored")) {
					t.Logf("%s", bytes.TrimSpace(line))
				}
			}
		})
	}
}
