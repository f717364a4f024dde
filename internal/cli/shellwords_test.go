package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitPipeline(t *testing.T) {
	t.Setenv("WHO", "a b")
	t.Setenv("NONE", "")
	for text, want := range map[string][][]string{
		"ps -ef | grep ssh":           {{"ps", "-ef"}, {"grep", "ssh"}},
		`echo "$WHO" '$WHO' $WHO`:     {{"echo", "a b", "$WHO", "a", "b"}},
		`a\ b "c|d" | e$NONE|f ""`:    {{"a b", "c|d"}, {"e"}, {"f", ""}},
		"echo main_test.g? nothing.*": {{"echo", "main_test.go", "nothing.*"}},
		"a |\n b # why":               {{"a"}, {"b"}},
	} {
		got, err := splitPipeline(text)
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
		"echo $(date)":     "sh -c",
		"echo `date`":      "sh -c",
		"diff <(a) b":      "sh -c",
		`echo "a`:          "character",
		"a |":              "character",
		"$NONE":            "empty",
		"${NONE:?}":        "NONE",
	} {
		got, err := splitPipeline(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error with %q", text, got, err, want)
		}
	}
}
