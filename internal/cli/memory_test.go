package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// create makes memory of the scheme that no other test uses.
func create(t testing.TB, scheme, size string) (url string) {
	t.Helper()
	if scheme == "mmap" {
		url = "mmap://" + filepath.Join(t.TempDir(), "data")
		succeed(t, "", "create", url, "--size", size)
		return url
	}
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("this system has no named segments")
	}
	url = "shm://" + ipctest.UniqueName()
	if runtime.GOOS == "windows" {
		createHeld(t, url, "--size", size)
		return url
	}
	succeed(t, "", "create", url, "--size", size)
	t.Cleanup(func() { os.Remove("/dev/shm/" + strings.TrimPrefix(url, "shm://")) })
	return url
}

// createHeld makes what lives as long as the process that made it.
func createHeld(t testing.TB, url string, args ...string) *ipctest.Process {
	t.Helper()
	p := start(t, append([]string{"create", url, "--json"}, args...)...)
	t.Cleanup(p.Kill)
	if e := parse(t, p.Hear()); e.Event != "created" || e.URL != url {
		t.Fatalf("%+v", e)
	}
	return p
}

// onMemory runs a test with either kind.
func onMemory(t *testing.T, size string, f func(t *testing.T, url string)) {
	for _, scheme := range []string{"shm", "mmap"} {
		t.Run(scheme, func(t *testing.T) { f(t, create(t, scheme, size)) })
	}
}

func expectFailure(t *testing.T, r result, code int, words ...string) {
	t.Helper()
	if r.code != code || r.stdout != "" || !strings.HasPrefix(r.stderr, "ipc: ") {
		t.Errorf("%+v", r)
	}
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("no %q in %q", w, r.stderr)
		}
	}
}

func TestMemory(t *testing.T) {
	onMemory(t, "4K", func(t *testing.T, url string) {
		if got := succeed(t, "", "read", url); got != strings.Repeat("\x00", 4096) {
			t.Errorf("%d bytes are new: %.20q", len(got), got)
		}
		for _, out := range []string{
			succeed(t, "", "write", url, "hello", "there"),
			succeed(t, "a\x00\r\n\xff", "write", url, "--offset", "0x10", "-"),
			succeed(t, "", "write", url, "--offset", "4093", "--", "- -"),
			succeed(t, "", "write", url, "--offset", "4K", ""),
			succeed(t, "", "write", url, "--offset", "4096", "-"),
		} {
			if out != "" {
				t.Errorf("write printed %q", out)
			}
		}
		for _, test := range []struct {
			args []string
			want string
		}{
			{[]string{"--length", "12"}, "hello there\x00"},
			{[]string{"--offset", "16", "--length", "6"}, "a\x00\r\n\xff\x00"},
			{[]string{"-o", "4093"}, "- -"},
			{[]string{"--offset", "4096"}, ""},
			{[]string{"--length", "0"}, ""},
			{[]string{"--strings"}, "00000000  hello there\n"},
			{[]string{"--hex", "-l", "32"}, "" +
				"00000000  68 65 6c 6c 6f 20 74 68  65 72 65 00 00 00 00 00  |hello there.....|\n" +
				"00000010  61 00 0d 0a ff 00 00 00  00 00 00 00 00 00 00 00  |a...............|\n" +
				"00000020\n"},
		} {
			if got := succeed(t, "", append([]string{"read", url}, test.args...)...); got != test.want {
				t.Errorf("%q: %q, want %q", test.args, got, test.want)
			}
		}
	})
}

func TestMemoryJSON(t *testing.T) {
	onMemory(t, "2M", func(t *testing.T, url string) {
		e := parse(t, succeed(t, "", "write", url, "--offset", "8", "--json", "text"))
		if e.Event != "written" || e.URL != url || *e.Offset != 8 || *e.Bytes != 4 {
			t.Errorf("%+v", e)
		}
		succeed(t, "\xff", "write", url, "--offset", "1M", "-")
		lines := strings.SplitAfter(succeed(t, "", "read", url, "--json"), "\n")
		if len(lines) != 3 || lines[2] != "" {
			t.Fatalf("%d lines", len(lines))
		}
		first, second := parse(t, lines[0]), parse(t, lines[1])
		if first.Event != "bytes" || first.Size != 2<<20 || *first.Offset != 0 || len(*first.Text) != 1<<20 || (*first.Text)[8:12] != "text" {
			t.Errorf("%.200s", lines[0])
		}
		if *second.Offset != 1<<20 || second.Text != nil || len(second.Base64) != 1<<20 || second.Base64[0] != 0xff {
			t.Errorf("%.200s", lines[1])
		}
		if e := parse(t, succeed(t, "", "read", url, "--json", "--strings")); e.Event != "string" || *e.Offset != 8 || *e.Text != "text" {
			t.Errorf("%+v", e)
		}
	})
}

func TestMemoryBounds(t *testing.T) {
	onMemory(t, "64K", func(t *testing.T, url string) {
		succeed(t, "", "write", url, "--offset", "65530", "before")
		for _, test := range []struct {
			stdin string
			args  []string
			want  string
		}{
			{"", []string{"write", url, "--offset", "65530", "beyond."}, "7 bytes from offset 65530"},
			{"beyond, far", []string{"write", url, "--offset", "65530", "-"}, "7 bytes or more from offset 65530"},
			{"", []string{"write", url, "--offset", "64K", "x"}, "1 bytes from offset 65536"},
			{"", []string{"write", url, "--offset", "65537", ""}, "offset 65537"},
			{"", []string{"read", url, "--offset", "65537"}, "offset 65537"},
			{"", []string{"read", url, "--offset", "65530", "--length", "7"}, "7 bytes from offset 65530"},
			{"", []string{"read", url, "--length", "8388607T"}, "beyond the end"},
			{"", []string{"read", url, "--watch", "--length", "65537"}, "beyond the end"},
		} {
			expectFailure(t, run(t, test.stdin, test.args...), exitError, test.want, "65536 bytes")
		}
		if got := succeed(t, "", "read", url, "--offset", "65530"); got != "before" {
			t.Errorf("a refused write left %q", got)
		}
	})
}

func TestMemoryRefusals(t *testing.T) {
	dir := t.TempDir()
	for _, line := range []string{
		"create mmap://" + filepath.Join(dir, "none", "data") + " --size 1",
		"read mmap://" + dir, "write mmap://" + dir + " x", "rm mmap://" + dir,
		"read mmap://" + filepath.Join(dir, "none"), "rm mmap://" + filepath.Join(dir, "none"),
		"create shm://bw.sem.x --size 1", "read shm://sem.x", "rm shm://bw.x", "rm shm://..",
		"read shm://cli-none", "rm shm://cli-none",
	} {
		expectFailure(t, run(t, "", strings.Fields(line)...), exitError)
	}
	url := create(t, "mmap", "10")
	expectFailure(t, run(t, "", "create", url, "--size", "20"), exitError, "exists", "ipc rm")
	if got := succeed(t, "", "read", url); len(got) != 10 {
		t.Errorf("the file has %d bytes now", len(got))
	}
}

func TestRemove(t *testing.T) {
	onMemory(t, "4096", func(t *testing.T, url string) {
		if strings.HasPrefix(url, "shm://") && runtime.GOOS == "windows" {
			expectFailure(t, run(t, "", "rm", url), exitError, "last handle")
			return
		}
		if e := parse(t, succeed(t, "", "rm", url, "--json")); e.Event != "removed" || e.URL != url {
			t.Errorf("%+v", e)
		}
		expectFailure(t, run(t, "", "rm", url), exitError, "no such")
		expectFailure(t, run(t, "", "read", url), exitError, "ipc create "+url)
	})
}

func TestCreateThatDoesNotFit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	expectFailure(t, run(t, "", "create", "mmap://"+path, "--size", "1000T"), exitError)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}

// A segment is there as long as its creator on Windows, and no longer.
func TestCreateHolds(t *testing.T) {
	if runtime.GOOS != "windows" {
		t.Skip("segments outlive their creators here")
	}
	url := "shm://" + ipctest.UniqueName()
	p := createHeld(t, url, "--size", "10")
	expectFailure(t, run(t, "", "create", url, "--size", "10"), exitError, "exists")
	succeed(t, "", "write", url, "held")
	p.Kill()
	expectFailure(t, run(t, "", "read", url), exitError, "no such segment")
}

// watching starts read --watch and waits until it watches.
func watching(t testing.TB, url string, args ...string) *ipctest.Process {
	t.Helper()
	p := start(t, append([]string{"read", url, "--watch", "--json", "--interval", "1ms"}, args...)...)
	t.Cleanup(p.Kill)
	if e := parse(t, p.Hear()); e.Event != "watching" || e.URL != url {
		t.Fatalf("first event %+v", e)
	}
	return p
}

func expectChange(t testing.TB, p *ipctest.Process, off int64, before, now string) {
	t.Helper()
	if e := parse(t, p.Hear()); e.Event != "change" || *e.Offset != off || e.Old != before || e.New != now {
		t.Fatalf("%+v, want %s to become %s at %d", e, before, now, off)
	}
}

func TestWatch(t *testing.T) {
	onMemory(t, "200K", func(t *testing.T, url string) {
		p := watching(t, url, "--offset", "16", "--count", "4")
		succeed(t, "", "write", url, "not watched")
		succeed(t, "", "write", url, "--offset", "16", "four") // one store
		expectChange(t, p, 16, "00000000", "666f7572")
		succeed(t, "", "write", url, "--offset", "16", "f-ur")
		expectChange(t, p, 17, "6f", "2d")
		succeed(t, "", "write", url, "--offset", "204799", "z")
		expectChange(t, p, 204799, "00", "7a")
		succeed(t, "", "write", url, "--offset", "15", "!!")
		expectChange(t, p, 16, "66", "21")
		expectEnd(t, p, 0)
	})
}

func TestChanges(t *testing.T) {
	for _, test := range []struct{ a, b, want string }{
		{"", "", ""},
		{"same", "same", ""},
		{"abc", "xbc", "[0 1]"},
		{"abc", "abx", "[2 3]"},
		{"a1234567b", "x1234567y", "[0 9]"},
		{"a12345678b", "x12345678y", "[0 1][9 10]"},
		{"abcdefghijklmnop", "xbcdxfghxjklmnop", "[0 9]"},
	} {
		var got string
		changes([]byte(test.a), []byte(test.b), func(i, j int) error {
			got += fmt.Sprint([]int{i, j})
			return nil
		})
		if got != test.want {
			t.Errorf("%q, %q: %s, want %s", test.a, test.b, got, test.want)
		}
	}
}
