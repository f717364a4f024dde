package cli

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/demo"
)

// guide is the section of ARCHITECTURE.md that lists the places where a mechanism
// has to be.
const guide = "Adding a mechanism"

// foreignFormats are the mechanisms without bytes of ours: what is in them is the
// users' own.
var foreignFormats = []string{"fifo", "mmap", "file", "mq+posix", "mq+sysv", "unix", "tcp", "tls"}

// places are the files in which documentation names mechanisms.
type places map[string]string

func readPlaces(t *testing.T) places {
	t.Helper()
	p := places{}
	for _, name := range []string{"README.md", "ARCHITECTURE.md", "docs/platforms.md", "docs/formats.md"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		p[name] = string(text)
	}
	return p
}

// has reports whether a line of a file matches the pattern.
func (p places) has(file, pattern string) bool {
	return regexp.MustCompile(`(?im)` + pattern).MatchString(p[file])
}

// missing returns the places where a mechanism is missing.
func (p places) missing(m *mechanism) (missing []string) {
	symbol, noun := regexp.QuoteMeta(m.symbol), regexp.QuoteMeta(m.noun)
	library, _, _ := strings.Cut(m.symbol, ".")
	for _, place := range []struct {
		file, what string
		present    bool
	}{
		{"internal/demo", fmt.Sprintf("a demo with the scheme %q", m.scheme), slices.Contains(demo.Schemes(), m.scheme)},
		{"README.md", "a row with `" + m.symbol + "`", p.has("README.md", "^\\|.*`"+symbol+`\b.*\|$`)},
		{"ARCHITECTURE.md", "a row for the package `" + library + "`", p.has("ARCHITECTURE.md", "^\\| `"+library+"` \\|")},
		{"docs/platforms.md", fmt.Sprintf("a row whose first cell has %q", m.noun), p.has("docs/platforms.md", `^\| [^|]*\b`+noun+`\b[^|]*\|`)},
		{"docs/formats.md", fmt.Sprintf("a heading with %q", m.noun),
			slices.Contains(foreignFormats, m.scheme) || p.has("docs/formats.md", `^## .*\b`+noun)},
	} {
		if !place.present {
			missing = append(missing, place.file+": "+place.what)
		}
	}
	return missing
}

func TestMechanismsAreComplete(t *testing.T) {
	docs := readPlaces(t)
	for _, m := range mechanisms {
		for _, place := range docs.missing(m) {
			t.Errorf("%s:// lacks a place: %s (ARCHITECTURE.md, %q, lists them all)", m.scheme, place, guide)
		}
		if m.noun == "" || m.symbol == "" || len(m.forms) == 0 || m.check == nil || m.remove == nil && m.instead["rm"] == "" {
			t.Errorf("the row of %s:// in internal/cli/mechanism.go lacks a noun, a symbol, a form, a check, or a way to remove it", m.scheme)
		}
		for verb := range m.instead {
			if needOf(verb).met(m) {
				t.Errorf("the row of %s:// says what to do instead of %s, which it has", m.scheme, verb)
			}
		}
	}
	for _, scheme := range demo.Schemes() {
		if mechanismOf(scheme) == nil {
			t.Errorf("internal/demo shows %s://, which has no row in internal/cli/mechanism.go", scheme)
		}
	}
}

// A mechanism that is nowhere is missed everywhere, and the guide lists all of it.
func TestMissingPlacesAreNamed(t *testing.T) {
	docs := readPlaces(t)
	missing := docs.missing(&mechanism{scheme: "nowhere", noun: "nowhere object", symbol: "nowhere.Open"})
	_, section, ok := strings.Cut(docs["ARCHITECTURE.md"], "## "+guide+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !ok {
		t.Fatalf("ARCHITECTURE.md has no section %q", guide)
	}
	for _, file := range []string{"internal/demo", "README.md", "ARCHITECTURE.md", "docs/platforms.md", "docs/formats.md"} {
		if !slices.ContainsFunc(missing, func(place string) bool { return strings.HasPrefix(place, file+": ") }) {
			t.Errorf("%s is not among the missing places: %q", file, missing)
		}
		if file != "ARCHITECTURE.md" && !strings.Contains(section, file) {
			t.Errorf("ARCHITECTURE.md, %q, doesn't list %s", guide, file)
		}
	}
}

// What a mechanism lacks is an error that says so, for every verb and scheme; no
// verb does another mechanism's work.
func TestVerbsRefuseWhatAMechanismLacks(t *testing.T) {
	for _, m := range mechanisms {
		url := m.start() + "x"
		for _, n := range needs {
			target, err := parseURLFor(n.verb, url)
			if n.met(m) {
				if err != nil || target.mechanism != m {
					t.Errorf("ipc %s %s: %v", n.verb, url, err)
				}
				continue
			}
			if err == nil || exitOf(err).code != exitUsage {
				t.Errorf("ipc %s %s: %v", n.verb, url, err)
				continue
			}
			text := err.Error()
			if !strings.Contains(text, m.noun) || !strings.Contains(text, n.lack) || !strings.Contains(text, "; ") || strings.Contains(text, "%!") {
				t.Errorf("ipc %s %s: %v", n.verb, url, err)
			}
		}
	}
	for args, want := range map[string]string{
		"create pipe://a":    "ipc create: a named pipe can't be created; it exists as long as a process serves it: ipc serve pipe://a\n",
		"create barrier://a": "ipc create: a barrier can't be created; ",
		"lock sem://a -- x":  "ipc lock: a semaphore is no lock; sem://a is for ipc create, ipc acquire, ipc release, ipc stat and ipc rm\n",
		"reset mutex://a":    "ipc reset: a mutex can't be reset; mutex://a is for ipc create, ipc lock, ipc stat and ipc rm\n",
	} {
		if r := run(t, "", strings.Fields(args)...); r.code != exitUsage || !strings.HasPrefix(r.stderr, want) {
			t.Errorf("ipc %s: %+v", args, r)
		}
	}
}

// Every verb that takes a URL asks the table, and completes what the table says.
func TestVerbsAreInTheTable(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		if !strings.Contains(cmd.Use, " URL") {
			continue
		}
		if !slices.ContainsFunc(needs, func(n need) bool { return n.verb == cmd.Name() }) {
			t.Errorf("ipc %s has no line in needs", cmd.Name())
			continue
		}
		starts, _ := cmd.ValidArgsFunction(cmd, nil, "")
		var want []string
		for _, m := range serving(cmd.Name()) {
			want = append(want, m.start())
		}
		if !slices.Equal(starts, want) || len(want) == 0 {
			t.Errorf("ipc %s completes %q, want %q", cmd.Name(), starts, want)
		}
	}
}

func TestNamesAreCompleted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems don't list segments")
	}
	url := create(t, "shm", "1")
	for verb, want := range map[string]bool{"read": true, "rm": true, "create": false, "lock": false} {
		out := succeed(t, "", "__complete", verb, url[:len(url)-1])
		if strings.Contains("\n"+out, "\n"+url+"\n") != want {
			t.Errorf("ipc %s: %s", verb, out)
		}
	}
}
