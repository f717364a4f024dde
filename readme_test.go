package breezeway_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// README's first code is a part of Example, so it compiles and runs.
func TestReadmeShowsTheExample(t *testing.T) {
	block := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(mustRead(t, "README.md"))
	if block == nil {
		t.Fatal("README.md has no Go code")
	}
	example := regexp.MustCompile(`(?s)\nfunc Example\(\) \{\n(.*?)\n\}\n`).FindStringSubmatch(mustRead(t, "example_readme_test.go"))
	if example == nil {
		t.Fatal("example_readme_test.go has no func Example")
	}
	code := strings.ReplaceAll("\n"+example[1], "\n\t", "\n")[1:]
	if !strings.HasPrefix(code, block[1]) {
		t.Errorf("README.md's first Go code is not what Example begins with (-readme +example):\n%s", cmp.Diff(block[1], code))
	}
}

// The code alone is a main function, with nothing left to add but the imports of
// Example.
func TestReadmeCodeCompiles(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command: ", err)
	}
	block := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(mustRead(t, "README.md"))
	imports := regexp.MustCompile(`(?s)\nimport \(\n.*?\n\)\n`).FindString(mustRead(t, "example_readme_test.go"))
	if block == nil || imports == "" {
		t.Fatal("README.md has no Go code, or Example no imports")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte("package main\n"+imports+"\nfunc main() {\n"+block[1]+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(goCommand, "vet", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Files that README.md links to exist.
func TestReadmeLinks(t *testing.T) {
	readme := mustRead(t, "README.md")
	links := regexp.MustCompile(`(?:\]\(|src="|srcset=")([^)":#]+)[)"#]`).FindAllStringSubmatch(readme, -1)
	if len(links) < 10 {
		t.Fatalf("only %d links found", len(links))
	}
	for _, link := range links {
		if _, err := os.Stat(filepath.FromSlash(link[1])); err != nil {
			t.Error(err)
		}
	}
}

// The picture is the same in light and dark, and its figures are those of
// docs/performance.md.
func TestPicture(t *testing.T) {
	light, dark := textsOf(t, "docs/passages-light.svg"), textsOf(t, "docs/passages-dark.svg")
	if diff := cmp.Diff(light, dark); diff != "" {
		t.Errorf("the pictures differ (-light +dark):\n%s", diff)
	}
	performance, readme := mustRead(t, "docs/performance.md"), mustRead(t, "README.md")
	figures := 0
	for _, text := range light {
		if text.Class != "figure" {
			continue
		}
		figures++
		for file, content := range map[string]string{"docs/performance.md": performance, "README.md": readme} {
			if !strings.Contains(content, " "+text.Text) {
				t.Errorf("the picture says %s, and %s doesn't", text.Text, file)
			}
		}
	}
	if figures != 3 {
		t.Errorf("%d figures, want those of pipe, memory and lock", figures)
	}
}

// The charts of docs/performance.md are the same in light and dark.
func TestCharts(t *testing.T) {
	light, dark := textsOf(t, "docs/bench-light.svg"), textsOf(t, "docs/bench-dark.svg")
	if diff := cmp.Diff(light, dark); diff != "" {
		t.Errorf("the charts differ (-light +dark):\n%s", diff)
	}
	if len(light) < 40 {
		t.Errorf("only %d texts", len(light))
	}
}

type svgText struct{ Class, Text string }

// textsOf returns the texts of a picture, with the class of their element.
func textsOf(t *testing.T, file string) (texts []svgText) {
	t.Helper()
	var class string
	for d := xml.NewDecoder(strings.NewReader(mustRead(t, file))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			class = token.Name.Local
			for _, a := range token.Attr {
				if a.Name.Local == "class" {
					class = a.Value
				}
			}
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" && class != "style" {
				texts = append(texts, svgText{class, text})
			}
		}
	}
}
