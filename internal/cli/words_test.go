package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/spf13/cobra"
)

// unspoken are the words of Go that the command can't be made to print, and why.
var unspoken = map[string]string{
	"Config.At":              "its objects have names",
	"Config.AuthKey":         "it makes no connection to Python's multiprocessing",
	"Config.Confirm":         "only an end that reads confirms",
	"Config.CopyOnWrite":     "it maps no file so",
	"Config.Direction":       "--direction is checked before",
	"Config.Fill":            "it fills no segment",
	"Config.HandOver":        "it hands no listener over",
	"Config.HugePages":       "it asks for none",
	"Config.Insecure":        "it serves no objects",
	"Config.MaxCalls":        "it serves no objects",
	"Config.ReadTimeout":     "it serves no objects",
	"Config.WriteTimeout":    "it serves no objects",
	"tls.Config.ClientCAs":   "it serves no objects",
	"Config.Length":          "it maps whole files",
	"Config.ManualReset":     "it creates an event, or opens it as it is",
	"Config.Messages":        "it makes no connection to Python's multiprocessing",
	"Config.NoAuth":          "it makes no connection to Python's multiprocessing",
	"Config.Offset":          "it maps whole files",
	"Config.ReadOnly":        "what reads writes nothing",
	"Config.SDDL":            "it makes its own of --mode and --allow",
	"Config.Scope":           "it names no global objects",
	"Config.Slots":           "it takes an object with those that it has",
	"Config.Track":           "what it acquires so it releases itself",
	"Config.Workers":         "it starts no workers",
	"Config.Timeout":         "it starts no workers",
	"Config.Grace":           "it starts no workers",
	"Config.MaxMemory":       "it starts no workers",
	"Config.Retry":           "it starts no workers",
	"Limits.Memory":          "it starts no workers",
	"Limits.CPU":             "it starts no workers",
	"Limits.Files":           "it starts no workers",
	"worker.Main":            "it starts no workers",
	"SystemVConfig.Project":  "it leaves it at 1",
	"SystemVConfig.SendType": "it leaves it at 1, and gives no priority",
	"FIFOConfig.KeepOpen":    "it sets it for readers alone",
}

// literals calls f for the strings in the code of the library, with whether they are
// words of Go.
func literals(t *testing.T, f func(place, text string, isGo bool)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "cli" || d.Name() == "ipctest" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		code, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		goWord := map[ast.Node]bool{}
		ast.Inspect(code, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				called, _ := n.Fun.(*ast.SelectorExpr)
				if called == nil || called.Sel.Name != "Go" {
					break
				}
				if library, ok := called.X.(*ast.Ident); ok && library.Name == "fail" {
					ast.Inspect(n.Args[0], func(inside ast.Node) bool { goWord[inside] = true; return true })
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					f(files.Position(n.Pos()).String(), text, goWord[n])
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What errors of the library say of a Config has words of the command, or never comes
// to it.
func TestWordsOfGoHaveWordsOfTheCommand(t *testing.T) {
	met := map[string]bool{}
	literals(t, func(place, text string, isGo bool) {
		_, spoken := goWords[fail.Go(text)]
		switch {
		case !isGo && strings.Contains(text, "Config."):
			t.Errorf("%s: the command would print Go; say fail.Go(…) in %q", place, text)
		case !isGo || text == "Config." || text == "POSIXConfig.": // a field is named at run time
		case spoken == (unspoken[text] != ""):
			t.Errorf("%s: give %q a word in goWords, or say in unspoken why the command never prints it", place, text)
		}
		met[text] = met[text] || isGo
	})
	for text := range goWords {
		if !met[string(text)] {
			t.Errorf("goWords has %q, which no error says", text)
		}
	}
	for text := range unspoken {
		if !met[text] {
			t.Errorf("unspoken has %q, which no error says", text)
		}
	}
}

// flagsOf returns the flags of a verb and those below it.
func flagsOf(cmd *cobra.Command, flags map[string]bool) map[string]bool {
	for _, c := range cmd.Commands() {
		flagsOf(c, flags)
	}
	for _, words := range regexp.MustCompile(`--[a-z-]+`).FindAllString(cmd.Flags().FlagUsages(), -1) {
		flags[words] = true
	}
	return flags
}

func TestWordsNameFlagsThatExist(t *testing.T) {
	flags := flagsOf(newRoot(), map[string]bool{})
	for text, words := range goWords {
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(words, -1) {
			if !flags[flag] {
				t.Errorf("for %q there is %s, which no verb has", text, flag)
			}
		}
	}
}

// goNames are what an error of the command doesn't have.
var goNames = regexp.MustCompile(`Config\.|\b(breezeway|shm|pipe|mmap|ipcsync|python|dotnet|os|io)\.[A-Z]|\b(Open|Create|Make|Listen|Dial)[A-Z]`)

// windowsCall is a call of Windows in an error, which is named like Go's functions.
var windowsCall = regexp.MustCompile(`\([A-Z][A-Za-z]+: `)

// expectOwnWords expects that what a verb said of its failure names no Go, and that rm
// doesn't advise to create.
func expectOwnWords(t *testing.T, r result, verb string, args ...string) {
	t.Helper()
	if goNames.MatchString(windowsCall.ReplaceAllString(r.stderr, "(")) || verb == "rm" && strings.Contains(r.stderr, "ipc create") {
		t.Errorf("ipc %s %q: exit %d: %s", verb, args, r.code, r.stderr)
	}
}

// argsOf are what a verb takes besides the URL, so that it doesn't wait.
var argsOf = map[string][]string{
	"serve":   {"--count", "1", "--timeout", "1ms"},
	"send":    {"--timeout", "10ms", "text"},
	"receive": {"--timeout", "10ms"},
	"write":   {"text"},
	"lock":    {"--try", "--", "ipc"},
	"acquire": {"--try", "--", "ipc"},
	"wait":    {"--timeout", "1ms"},
}

// Errors that verbs print are in the command's words: of what isn't there, exists
// already, has another layout, is another user's, or is no name.
func TestErrorsAreInTheCommandsWords(t *testing.T) {
	each := func(t *testing.T, urlOf func(m *mechanism) string, met func(n need, m *mechanism) bool) {
		for _, m := range mechanisms {
			url := urlOf(m)
			for _, n := range needs {
				if url == "" || !met(n, m) || n.verb == "serve" {
					continue // a server would wait
				}
				if n.verb == "create" && m.kernel && runtime.GOOS == "windows" {
					continue // it holds the kernel's object until it is interrupted
				}
				args := append([]string{n.verb, url}, argsOf[n.verb]...)
				expectOwnWords(t, run(t, "", args...), n.verb, url)
			}
		}
	}
	absent := func(m *mechanism) string {
		if m.check(target{mechanism: m, name: "a/b"}) == nil || strings.Contains(m.forms[0].url, "PATH") {
			return m.scheme + "://" + filepath.ToSlash(filepath.Join(t.TempDir(), "absent"))
		}
		return m.scheme + "://" + ipctest.UniqueName()
	}
	met := func(n need, m *mechanism) bool { return n.met(m) && n.verb != "lock" } // it would create
	t.Run("absent", func(t *testing.T) { each(t, absent, met) })
	t.Run("refused", func(t *testing.T) {
		each(t, absent, func(n need, m *mechanism) bool { return !n.met(m) })
	})
	t.Run("bad name", func(t *testing.T) {
		each(t, func(m *mechanism) string { return m.scheme + "://-" }, met)
		each(t, func(m *mechanism) string { return m.scheme + ":///" }, met)
	})
	t.Run("unknown user", func(t *testing.T) {
		verbs := map[string]*cobra.Command{}
		for _, c := range newRoot().Commands() {
			verbs[c.Name()] = c
		}
		for _, flag := range []string{"trust", "allow"} {
			each(t, absent, func(n need, m *mechanism) bool {
				if !n.met(m) || verbs[n.verb].Flags().Lookup(flag) == nil || n.verb == "serve" {
					return false
				}
				args := append([]string{n.verb, absent(m), "--" + flag, "nobody-of-this-name"}, argsOf[n.verb]...)
				r := run(t, "", args...)
				if r.code == 0 {
					t.Errorf("ipc %q succeeded", args)
				}
				expectOwnWords(t, r, n.verb, args...)
				return false
			})
		}
	})
	t.Run("serve", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{
			"pipe://" + filepath.ToSlash(file), "fifo://" + filepath.ToSlash(file), "pipe://" + filepath.ToSlash(file) + "/in-a-file",
			"fifo://" + filepath.ToSlash(file) + "/in-a-file", "pipe://-/", "fifo://-",
		} {
			r := run(t, "", "serve", url)
			if r.code == 0 {
				t.Errorf("ipc serve %s succeeded", url)
			}
			expectOwnWords(t, r, "serve", url)
		}
	})
	t.Run("another mode", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("here a pipe itself has the mode, and its clients follow")
		}
		url := uniqueURL()
		server := served(t, url, "--message", "--until", "stop")
		expectOwnWords(t, run(t, "", "send", url, "--timeout", "5s", "bytes"), "send", url)
		for {
			e := parse(t, server.Hear())
			if e.Event != "error" {
				continue
			}
			if !strings.Contains(e.Error, "--message") || goNames.MatchString(e.Error) {
				t.Errorf("the server says %q", e.Error)
			}
			break
		}
		r := run(t, strings.Repeat("x", 17<<20), "send", url, "--message")
		if r.code == 0 {
			t.Error("a message of 17 MiB was sent")
		}
		expectOwnWords(t, r, "send", url)
		succeed(t, "", "send", url, "--message", "stop")
		for ok := true; ok; {
			_, ok = server.TryHear()
		}
		server.Wait()
	})
	t.Run("another layout", func(t *testing.T) {
		if os.PathSeparator != '/' {
			t.Skip("some of the kinds have no file here")
		}
		each(t, func(m *mechanism) string {
			name := ipctest.UniqueName()
			if m.list == nil || m.byDirectory || m.scheme == "pipe" {
				return "" // it has no layout
			}
			kind := m.scheme
			if kind == "lead" {
				kind = "leader"
			}
			path, err := object.Path(kind, name, breezeway.Session)
			if err == nil {
				err = os.WriteFile(path, make([]byte, 100), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(path) })
			return m.scheme + "://" + name
		}, func(n need, m *mechanism) bool { return n.met(m) })
	})
}

// What exists is not created again, and rm of what isn't there advises nothing.
func TestAdviceOfTheCommand(t *testing.T) {
	url := "shm://" + ipctest.UniqueName()
	none := run(t, "", "read", url)
	if want := "no such segment; create it with `ipc create " + url + " --size BYTES` ("; !strings.Contains(none.stderr, want) || none.code != exitError {
		t.Errorf("exit %d: %s", none.code, none.stderr)
	}
	if r := run(t, "", "rm", url); r.code != exitError || strings.Contains(r.stderr, "create") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	for _, name := range []string{"nobody-of-this-name", "@nobody-of-this-name"} {
		for _, args := range [][]string{
			{"create", url, "--size", "1", "--allow", name}, {"read", url, "--trust", name}, {"send", uniqueURL(), "--trust", name, "x"},
		} {
			r := run(t, "", args...)
			flag := args[len(args)-2]
			if args[0] == "send" {
				flag = args[2]
			}
			if r.code == 0 || !strings.Contains(r.stderr, flag+" ") {
				t.Errorf("ipc %q: exit %d: %s", args, r.code, r.stderr)
			}
			expectOwnWords(t, r, args[0], args[1:]...)
		}
	}
}

func TestHelpOfAnUnknownVerb(t *testing.T) {
	for _, words := range [][]string{{"frob"}, {"completion", "frob"}, {"serve", "frob"}} {
		r := run(t, "", append([]string{"help"}, words...)...)
		if r.code != exitUsage || r.stdout != "" || !strings.Contains(r.stderr, "no verb") {
			t.Errorf("ipc help %q: exit %d: %s%s", words, r.code, r.stdout, r.stderr)
		}
	}
	if r := run(t, "", "frob", "--help"); r.code != exitUsage || r.stdout != "" || !strings.Contains(r.stderr, "no verb") {
		t.Errorf("ipc frob --help: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if out := succeed(t, "", "help", "serve"); !strings.Contains(out, "ipc serve URL") {
		t.Errorf("%s", out)
	}
}
