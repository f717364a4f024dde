package endpoint

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The package's overview has every scheme and option.
func TestOverviewIsWhole(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, urls, _ := strings.Cut(string(source), "# URLs")
	described := map[string]string{} // options of a scheme
	scheme := ""
	for line := range strings.Lines(urls) {
		text, indented := strings.CutPrefix(line, "//\t")
		switch {
		case !indented:
			continue
		case !strings.HasPrefix(text, " "):
			scheme, text, _ = strings.Cut(text, " ")
		}
		described[scheme] += strings.TrimSpace(text) + " "
	}
	for _, s := range schemes.all {
		if !strings.Contains(string(source), "//\t"+s.Name+" ") {
			t.Errorf("the table of schemes lacks %s", s.Name)
		}
		found := strings.FieldsFunc(described[s.Name], func(r rune) bool { return r == ',' || r == ' ' })
		for _, option := range s.Options {
			if !slices.Contains(found, option) {
				t.Errorf("the option %s of %s isn't described: %q", option, s.Name, found)
			}
		}
		if len(found) != len(s.Options) {
			t.Errorf("%s has %d options, and %d are described", s.Name, len(s.Options), len(found))
		}
	}
}
