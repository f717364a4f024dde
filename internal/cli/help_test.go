package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// every returns the verbs that a user sees, with the words that call them.
func every(cmd *cobra.Command) (paths [][]string) {
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			paths = append(paths, strings.Fields(c.CommandPath())[1:])
			paths = append(paths, every(c)...)
		}
	}
	return paths
}

func TestHelpHasExamples(t *testing.T) {
	for _, path := range append(every(newRoot()), nil) {
		out := succeed(t, "", append(path, "--help")...)
		_, examples, ok := strings.Cut(out, "Examples:\n")
		if !ok || !strings.HasPrefix(examples, "  ") || !strings.Contains(examples[:strings.Index(examples, "\n")], "ipc ") {
			t.Errorf("ipc %s --help has no example:\n%s", strings.Join(path, " "), out)
		}
		for i, line := range strings.Split(out, "\n") {
			if len(line) > 100 {
				t.Errorf("ipc %s --help: line %d has %d columns: %s", strings.Join(path, " "), i+1, len(line), line)
			}
		}
	}
}

func TestHelpWithoutVerb(t *testing.T) {
	if out := succeed(t, ""); !strings.Contains(out, "Examples:") {
		t.Errorf("%s", out)
	}
}

func TestVersion(t *testing.T) {
	if out := succeed(t, "", "--version"); !strings.HasPrefix(out, "ipc ") || strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := succeed(t, "", "completion", shell); len(out) < 1000 || !strings.Contains(out, "ipc") {
			t.Errorf("%s: %d bytes", shell, len(out))
		}
	}
	for _, test := range []struct{ words, want string }{
		{"se", "serve"},
		{"serve ", "pipe://"},
		{"read ", "shm://"},
		{"create ", "sem://"},
		{"lock ", "mutex://"},
		{"lock mutex://a -- ", ":0"}, // files
		{"acquire ", "sem://"},
		{"wait ", "event://"},
		{"stat ", "rwmutex://"},
		{"serve pipe://a --direction ", "duplex"},
		{"send pipe://a --encoding ", "utf-16le"},
		{"send --js", "--json"},
	} {
		args := append([]string{"__complete"}, strings.Split(test.words, " ")...)
		if out := succeed(t, "", args...); !strings.Contains("\n"+out, "\n"+test.want) {
			t.Errorf("after %q: %q", test.words, out)
		}
	}
}
