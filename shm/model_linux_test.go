package shm

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestModel has spin search the model of Latest, as it is and with each of the
// things broken that its argument rests on.
func TestModel(t *testing.T) {
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			ipctest.Missing(t, tool, "is not installed")
		}
	}
	model, err := filepath.Abs("../docs/models/latest.pml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		broken string
		errors int
	}{{"", 0}, {"-DNO_BARRIER", 1}, {"-DNO_RELEASE", 1}, {"-DLIMIT=3", 1}} {
		t.Run(c.broken, func(t *testing.T) {
			dir := t.TempDir()
			run := func(name string, args ...string) string {
				cmd := exec.Command(name, args...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", cmd, err, out)
				}
				return string(out)
			}
			run("spin", strings.Fields("-a "+c.broken+" "+model)...)
			run("gcc", "-w", "-O1", "-DSAFETY", "-o", "pan", "pan.c")
			out := run(filepath.Join(dir, "pan"), "-m100000")
			if !strings.Contains(out, fmt.Sprintf("errors: %d\n", c.errors)) || strings.Contains(out, "search not completed") && c.errors == 0 ||
				strings.Contains(out, "max search depth too small") {
				t.Errorf("%s", out)
			}
		})
	}
}
