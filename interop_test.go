package breezeway_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// codeBlocks returns the programs that a page shows: the text of the fenced blocks, and
// the language of each.
func codeBlocks(t *testing.T, page string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	const fence = "\n```"
	for rest := string(text); ; {
		_, after, ok := strings.Cut(rest, fence)
		if !ok {
			return blocks
		}
		language, after, _ := strings.Cut(after, "\n")
		program, after, ok := strings.Cut(after, fence)
		if !ok {
			t.Fatalf("%s: a block of %s does not end", page, language)
		}
		blocks[program+"\n"] = language
		rest = after
	}
}

// Every program of docs/interop.md is a file in a package's testdata, to the byte, and a
// test of that package runs it.
func TestInteropProgramsAreRun(t *testing.T) {
	files, err := filepath.Glob("*/testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	source := map[string]string{}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source[string(text)] = file
	}
	blocks := codeBlocks(t, "docs/interop.md")
	if len(blocks) == 0 {
		t.Error("docs/interop.md shows no program")
	}
	for program, language := range blocks {
		file := source[program]
		if file == "" {
			t.Errorf("no testdata has this program in %s:\n%s", language, program)
			continue
		}
		if !isNamedByATest(t, file) {
			t.Errorf("no test runs %s", file)
		}
	}
}

// isNamedByATest reports whether a test of the package names a file of its testdata.
func isNamedByATest(t *testing.T, file string) bool {
	t.Helper()
	dir, name := filepath.Dir(filepath.Dir(file)), "testdata/"+filepath.Base(file)
	tests, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		text, err := os.ReadFile(test)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(name)) {
			return true
		}
	}
	return false
}
