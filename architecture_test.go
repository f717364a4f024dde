package breezeway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/breezeway-ipc/breezeway"

// mayImport is the import map: for each package the packages of this module
// that it may import. ARCHITECTURE.md draws it.
var mayImport = map[string][]string{
	".":                   {},
	"internal/fail":       {"."},
	"internal/fault":      {"internal/access", "internal/sys"},
	"internal/killpoint":  {},
	"internal/access":     {".", "internal/fail"},
	"internal/sys":        {"."},
	"internal/overlapped": {"internal/sys"},
	"internal/watch":      {},
	"internal/acceptor":   {},
	"internal/frame":      {"."},
	"internal/local":      {".", "internal/watch", "internal/access", "internal/fail", "internal/killpoint", "internal/sys"},
	"internal/object":     {".", "internal/access", "internal/fail", "internal/fault", "internal/killpoint", "internal/sys", "internal/layout", "mmap"},
	"internal/layout":     {"."},
	"internal/liveness":   {".", "internal/killpoint", "internal/sys"},
	"internal/wait":       {".", "internal/watch", "internal/access", "internal/killpoint", "internal/sys"},
	"internal/robust":     {".", "internal/access", "internal/fail", "internal/killpoint", "internal/layout", "internal/liveness", "internal/object", "internal/sys", "internal/wait", "mmap"},
	"internal/kernelobj":  {".", "internal/access", "internal/fail", "internal/killpoint", "internal/object", "internal/robust", "internal/sys", "internal/wait"},
	"internal/bench":      {".", "internal/fail", "internal/sys"},
	"internal/plain":      {},
	"internal/release":    {},
	"internal/barrier":    {"internal/release", "internal/sys"},
	"internal/ipctest":    {".", "internal/bench"},
	"pipe":                {".", "internal/acceptor", "internal/watch", "internal/access", "internal/fail", "internal/overlapped", "internal/sys", "internal/local"},
	"socket":              {".", "internal/acceptor", "internal/access", "internal/fail", "internal/frame", "internal/killpoint", "internal/local", "internal/sys", "internal/watch"},
	"dotnet":              {".", "internal/fail"},
	"mmap":                {".", "internal/fail", "internal/fault", "internal/plain", "internal/sys"},
	"shm":                 {".", "internal/access", "internal/barrier", "internal/fail", "internal/kernelobj", "internal/killpoint", "internal/plain", "internal/release", "internal/sys", "internal/object", "internal/layout", "internal/liveness", "internal/wait", "mmap"},
	"python":              {".", "internal/acceptor", "internal/fail", "internal/frame", "internal/plain", "mmap", "shm"},
	"ipcsync":             {".", "internal/access", "internal/fail", "internal/kernelobj", "internal/killpoint", "internal/liveness", "internal/object", "internal/robust", "internal/sys", "internal/wait", "internal/watch", "mmap"},
	"mq":                  {".", "internal/access", "internal/fail", "internal/killpoint", "internal/layout", "internal/liveness", "internal/object", "internal/plain", "internal/release", "internal/robust", "internal/sys", "internal/wait", "internal/watch", "mmap"},
	"ring":                {".", "internal/access", "internal/barrier", "internal/fail", "internal/killpoint", "internal/layout", "internal/liveness", "internal/plain", "internal/release", "internal/robust", "internal/sys", "internal/wait"},
	"shmnet":              {".", "internal/access", "internal/barrier", "internal/fail", "internal/local", "internal/overlapped", "internal/release", "internal/sys", "pipe"},
	"worker":              {".", "internal/barrier", "internal/fail", "internal/plain", "internal/release", "internal/sys", "mq", "pipe", "shm", "shmnet"},
	"endpoint":            {".", "internal/fail", "internal/watch", "ipcsync", "mq", "pipe", "ring", "rpc", "shm", "shmnet", "socket"},
	"internal/relay":      {".", "mq"},
	"rpc":                 {".", "internal/access", "internal/fail", "internal/sys", "internal/watch"},
	"docs/models":         {},
	"internal/cli":        {"*"},
	"internal/demo":       {"*"},
	"internal/ipcbench":   {"*"},
	"internal/chart":      {},
	"cmd/ipc":             {"internal/cli"},
}

// mayLink is what a library package may link besides the standard library.
var mayLink = []string{"golang.org/x/sys"}

// notLibrary are the packages that mayLink does not bind: the command and what
// only tests import.
var notLibrary = []string{"cmd/ipc", "internal/cli", "internal/demo", "internal/ipctest"}

// takenIn are the modules that a program lists which imports a package of this
// module: what go.mod requires, for the command and the tests too.
var takenIn = []string{
	"github.com/google/go-cmp",
	"github.com/inconshreveable/mousetrap",
	"github.com/spf13/cobra",
	"github.com/spf13/pflag",
	"go.uber.org/goleak",
	"golang.org/x/net",
	"golang.org/x/sys",
	"golang.org/x/term",
	"golang.org/x/text",
	"mvdan.cc/sh/v3",
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
	Module     *struct{ Path string }
}

func (p goPackage) short() string {
	if p.ImportPath == module {
		return "."
	}
	return strings.TrimPrefix(p.ImportPath, module+"/")
}

func list(t *testing.T, goos string, args ...string) (packages []goPackage) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard,Module"}, args...)...)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func needGo(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command here to list the packages with: ", err)
	}
}

func TestImportMap(t *testing.T) {
	needGo(t)
	seen := map[string]bool{}
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for _, p := range list(t, goos, module+"/...") {
			if strings.HasPrefix(p.short(), "examples/") {
				continue // they are users
			}
			seen[p.short()] = true
			allowed, known := mayImport[p.short()]
			if !known {
				t.Errorf("%s is not in the import map: add it here and to ARCHITECTURE.md", p.short())
			}
			for _, imported := range p.Imports {
				ours, found := strings.CutPrefix(imported, module)
				if !found {
					continue
				}
				ours = path.Clean(strings.TrimPrefix(ours, "/"))
				if !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
					t.Errorf("on %s %s imports %s, which the import map forbids", goos, p.short(), ours)
				}
			}
		}
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("the import map names %s, which does not exist", name)
		}
	}
}

func TestLibraryLinksLittle(t *testing.T) {
	needGo(t)
	for _, goos := range []string{"linux", "windows", "darwin"} {
		all := map[string]goPackage{}
		for _, p := range list(t, goos, "-deps", module+"/...") {
			all[p.ImportPath] = p
		}
		for _, p := range all {
			if p.Module == nil || p.Module.Path != module || slices.Contains(notLibrary, p.short()) || strings.HasPrefix(p.short(), "examples/") {
				continue
			}
			var links []string
			for _, dep := range p.Deps {
				if d := all[dep]; !d.Standard && d.Module != nil && d.Module.Path != module && !slices.Contains(links, d.Module.Path) {
					links = append(links, d.Module.Path)
				}
			}
			slices.Sort(links)
			for _, l := range links {
				if !slices.Contains(mayLink, l) {
					t.Errorf("on %s %s links %s; the library may link: %s", goos, p.short(), l, strings.Join(mayLink, ", "))
				}
			}
		}
	}
}

// TestUsersTakeInLittle makes a module that imports a package of this one and
// pins the modules that it then lists.
func TestUsersTakeInLittle(t *testing.T) {
	needGo(t)
	checkout, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	user := t.TempDir()
	for file, text := range map[string]string{
		"go.mod":  fmt.Sprintf("module example.com/user\n\ngo 1.25.0\n\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", module, checkout),
		"user.go": fmt.Sprintf("package user\n\nimport _ %q\n", module+"/pipe"),
	} {
		if err := os.WriteFile(filepath.Join(user, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Path}}", "all")
	cmd.Dir = user
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(strings.Fields(string(out)), func(path string) bool {
		return path == module || path == "example.com/user"
	})
	if diff := cmp.Diff(takenIn, got); diff != "" {
		t.Errorf("importing this module brings other modules than pinned (-pinned +brought):\n%s", diff)
	}
}

// TestArchitectureIsDrawn holds ARCHITECTURE.md against the import map.
func TestArchitectureIsDrawn(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		imports := []string{}
		for _, name := range strings.Split(cells[3], ",") {
			if name = strings.Trim(name, " `"); name != "" && name != "nothing of ours" {
				imports = append(imports, strings.Replace(name, "everything", "*", 1))
			}
		}
		drawn[strings.Replace(strings.Trim(cells[1], " `"), "breezeway", ".", 1)] = imports
	}
	for name, imports := range drawn {
		for i, imported := range imports {
			if imported == "breezeway" {
				drawn[name][i] = "."
			}
		}
	}
	if diff := cmp.Diff(mayImport, drawn); diff != "" {
		t.Errorf("ARCHITECTURE.md and the import map differ (-map +drawn):\n%s", diff)
	}
}
