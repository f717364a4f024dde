package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitPipeline(t *testing.T) {
	t.Setenv("WHO", "a b")
	t.Setenv("NONE", "")
	split := func(text string) ([][]string, error) { return readShellText(text, false).split() }
	for text, want := range map[string][][]string{
		"ps -ef | grep ssh":           {{"ps", "-ef"}, {"grep", "ssh"}},
		`echo "$WHO" '$WHO' $WHO`:     {{"echo", "a b", "$WHO", "a", "b"}},
		`a\ b "c|d" | e$NONE|f ""`:    {{"a b", "c|d"}, {"e"}, {"f", ""}},
		"echo main_test.g? nothing.*": {{"echo", "main_test.go", "nothing.*"}},
		"a |\n b # why":               {{"a"}, {"b"}},
	} {
		got, err := split(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
	for text, want := range map[string]string{
		"":                 "empty",
		"a && b":           "&& at character 3",
		"a || b":           "||",
		"a |& b":           "|&",
		"a | b > file":     "redirection >",
		"a < file":         "redirection <",
		"a; b":             "second command",
		"a &":              "&",
		"! a":              "!",
		"X=1 a":            "assignment X=",
		"(a)":              "shell syntax",
		"if a; then b; fi": "shell syntax",
		"echo $(date)":     "needs a shell",
		"echo `date`":      "needs a shell",
		"diff <(a) b":      "needs a shell",
		`echo "a`:          "character",
		"a |":              "character",
		"$NONE":            "empty",
		"${NONE:?}":        "NONE",
	} {
		got, err := split(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error with %q", text, got, err, want)
		}
	}
}

// Where backslashes are text, paths stay whole, and quotes are those that programs of
// Windows know.
func TestBackslashesOfPathsStay(t *testing.T) {
	t.Setenv("WHO", `C:\a b`)
	split := func(text string) ([][]string, error) { return readShellText(text, true).split() }
	for text, want := range map[string][][]string{
		`type Z:\tmp\x | sort`:                {{"type", `Z:\tmp\x`}, {"sort"}},
		`"C:\Program Files\a.exe" C:\ \\h\s\`: {{`C:\Program Files\a.exe`, `C:\`, `\\h\s\`}},
		`'C:\Program Files\' a\b' c'`:         {{`C:\Program Files\`, `a\b c`}},
		`say "a \"b\" c" \"d\"`:               {{"say", `a "b" c`, `"d"`}},
		`say "a\\" "b\\\"c" "d\\e" 'f\\"g'`:   {{"say", `a\`, `b\"c`, `d\\e`, `f\\"g`}},
		`say "$WHO\c" $WHO\c`:                 {{"say", `C:\a b\c`, `C:\a`, `b\c`}},
		`say "it's C:\x"`:                     {{"say", `it's C:\x`}},
		`say a\|b`:                            {{"say", `a\`}, {"b"}},
		`say no\such.*`:                       {{"say", `no\such.*`}},
	} {
		got, err := split(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
	// Positions are those in what the user has written.
	for text, want := range map[string]string{
		`a C:\x > b`:        "> at character 8",
		`a \\h\s "C:\" > b`: "character",
		`a \\h\s && b`:      "&& at character 9",
	} {
		got, err := split(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error with %q", text, got, err, want)
		}
	}
}
