package cli

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipcbench"
	"github.com/google/go-cmp/cmp"
)

// quickly are the flags of a run that takes no time.
var quickly = []string{"bench", "--only", "anon,tcp", "--sizes", "4K,8", "--time", "1ms"}

func TestBenchPrintsATable(t *testing.T) {
	out := succeed(t, "", quickly...)
	for _, want := range []string{"transport  size", "anon       8 B    park", "tcp        4 KiB  park", "The limit, a cache line"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") || strings.Contains(out, "unix") {
		t.Errorf("%q", out)
	}
}

// The shape of --json is a promise: no field more, none less.
func TestBenchJSON(t *testing.T) {
	r := run(t, "", append(quickly, "--json")...)
	if r.code != 0 || r.stderr != "" || strings.Count(r.stdout, "\n") != 1 {
		t.Fatalf("%+v", r)
	}
	var report map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"limit_rtt_ns", "rows"}, sortedKeys(report)); diff != "" {
		t.Error(diff)
	}
	rows := report["rows"].([]any)
	if len(rows) < 4 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		row := row.(map[string]any)
		want := []string{"bytes_per_s", "cpu_s_per_million", "mode", "msgs_per_s", "rtt_max_ns", "rtt_over_limit", "rtt_p50_ns", "rtt_p999_ns", "rtt_p99_ns", "size", "transport"}
		if diff := cmp.Diff(want, sortedKeys(row)); diff != "" {
			t.Error(diff)
		}
		if !slices.Contains([]any{"spin", "park"}, row["mode"]) || !slices.Contains([]any{"anon", "tcp"}, row["transport"]) || !slices.Contains([]any{8.0, 4096.0}, row["size"]) {
			t.Errorf("%v", row)
		}
	}
}

func sortedKeys(m map[string]any) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// What can't be meant is wrong usage, and the message says what could.
func TestBenchRefuses(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--only", "anon,carrier-pigeon"}, strings.Join(ipcbench.Transports(), ", ")},
		{[]string{"--sizes", "8,huge"}, "such as 4096"},
		{[]string{"--sizes", "7"}, "8 bytes to 1 MiB"},
		{[]string{"--sizes", "2M"}, "8 bytes to 1 MiB"},
		{[]string{"--time", "0s"}, "above 0"},
		{[]string{"--time", "soon"}, "soon"},
		{[]string{"--pin", "0"}, "such as 0,1"},
		{[]string{"--pin", "a,b"}, "such as 0,1"},
		{[]string{"--json", "--compare", "old.json"}, "--json"},
		{[]string{"ring"}, "no arguments"},
	} {
		r := run(t, "", append([]string{"bench"}, test.args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, test.want) || r.stdout != "" {
			t.Errorf("%v: %+v", test.args, r)
		}
	}
}

// Files that can't be read or written are told before a minute has passed.
func TestBenchMissesFiles(t *testing.T) {
	dir := t.TempDir()
	empty, wrong := filepath.Join(dir, "empty.json"), filepath.Join(dir, "wrong.json")
	for file, text := range map[string]string{empty: "{}", wrong: "no JSON"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing := filepath.Join(dir, "missing", "file")
	for _, args := range [][]string{{"--compare", missing}, {"--compare", empty}, {"--compare", wrong}, {"--html", missing}, {"--svg", missing}} {
		if r := run(t, "", append([]string{"bench"}, args...)...); r.code != exitError || r.stderr == "" || r.stdout != "" {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// The page needs nothing but itself, and what it shows is what was measured.
func TestBenchHTML(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "out.html")
	succeed(t, "", append(quickly, "--html", page)...)
	text := readText(t, page)
	for _, bad := range []string{`src=`, `href=`, `@import`, `url(`, `<link`, `fetch(`, `import(`} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if addresses := regexp.MustCompile(`https?://[^" ]*`).FindAllString(text, -1); len(addresses) != 1 || addresses[0] != "http://www.w3.org/2000/svg" {
		t.Errorf("the page names %q", addresses)
	}
	for _, want := range []string{"default-src 'none'", "prefers-color-scheme: dark", `data-name="anon"`, "<td>tcp</td><td>4 KiB</td><td>park</td>", "round trip"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A name says for which scheme a picture is.
func TestBenchSVG(t *testing.T) {
	dir := t.TempDir()
	schemes := map[string]bool{"both.svg": true, "x-light.svg": false, "x-dark.svg": false}
	args := quickly
	for name := range schemes {
		args = append(args, "--svg", filepath.Join(dir, name))
	}
	succeed(t, "", args...)
	for name, both := range schemes {
		text := readText(t, filepath.Join(dir, name))
		if strings.Contains(text, "prefers-color-scheme") != both {
			t.Errorf("%s: two schemes: %v", name, !both)
		}
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// --compare divides what is by what was.
func TestBenchCompares(t *testing.T) {
	old := filepath.Join(t.TempDir(), "old.json")
	if err := os.WriteFile(old, []byte(`{"limit_rtt_ns": 100, "rows": [
		{"transport": "anon", "size": 8, "mode": "park", "rtt_p50_ns": 1000000000, "msgs_per_s": 1, "rtt_over_limit": null},
		{"transport": "gone", "size": 8, "mode": "park", "rtt_p50_ns": 1, "msgs_per_s": 1}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out := succeed(t, "", append(quickly, "--compare", old)...)
	_, changes, ok := strings.Cut(out, "Since then")
	if !ok || !strings.Contains(changes, "anon       8 B   park  1 s") || !strings.Contains(changes, "* as measured") || strings.Contains(changes, "gone") || strings.Contains(changes, "tcp") {
		t.Errorf("%s", out)
	}
}
