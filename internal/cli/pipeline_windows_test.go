package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A program is started by its path, in every way to quote it.
func TestCommandsAreFoundByPath(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(commandEnv, "1")
	for _, quoted := range []string{exe, `"` + exe + `"`, "'" + exe + "'"} {
		if got := succeed(t, "through\n", "pipeline", quoted+" shout | "+quoted+" shout"); got != "THROUGH\n" {
			t.Errorf("%s: %q", quoted, got)
		}
		url := uniqueURL()
		server := served(t, url, "--exec", quoted+" shout", "--count", "1")
		if got := succeed(t, "", "send", url, "--reply", "hello"); got != "HELLO" && got != "HELLO\n" {
			t.Errorf("%s: %q", quoted, got)
		}
		server.Wait()
	}
}

// Patterns find files by paths with backslashes, whatever letters their names have.
func TestPatternsOfPaths(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for _, name := range []string{"a b.txt", "안녕.txt"} {
		want = append(want, filepath.Join(dir, name))
		if err := os.WriteFile(want[len(want)-1], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{dir + `\*.txt`, `"` + dir + `\"*.txt`, `'` + dir + `\'*.txt`} {
		commands, err := splitPipeline("type " + pattern)
		if pattern[0] == '"' { // the quote is text, and no file has it
			if err == nil {
				t.Errorf("%s: %q", pattern, commands)
			}
			continue
		}
		if diff := cmp.Diff([][]string{append([]string{"type"}, want...)}, commands); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", pattern, err, diff)
		}
	}
}
