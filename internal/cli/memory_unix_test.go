//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pathOf returns the file behind a URL.
func pathOf(url string) string {
	if name, ok := strings.CutPrefix(url, "shm://"); ok {
		return "/dev/shm/" + name
	}
	return strings.TrimPrefix(url, "mmap://")
}

func TestCreateMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	dir := t.TempDir()
	for _, test := range []struct {
		url  string
		args []string
		want os.FileMode
	}{
		{"mmap://" + filepath.Join(dir, "a"), []string{"--size", "10"}, 0o600},
		{"mmap://" + filepath.Join(dir, "b"), []string{"--size", "10", "--mode", "0664"}, 0o664},
		{"fifo://" + filepath.Join(dir, "c"), nil, 0o600 | os.ModeNamedPipe},
		{"fifo://" + filepath.Join(dir, "d"), []string{"--mode", "622"}, 0o622 | os.ModeNamedPipe},
	} {
		succeed(t, "", append([]string{"create", test.url}, test.args...)...)
		_, path, _ := strings.Cut(test.url, "://")
		if info, err := os.Lstat(path); err != nil || info.Mode() != test.want {
			t.Errorf("%s: %v, %v", test.url, info.Mode(), err)
		}
		succeed(t, "", "rm", test.url)
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", test.url, err)
		}
	}
}

func TestRemoveRefuses(t *testing.T) {
	dir := t.TempDir()
	file, link, fifo := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "create", "fifo://"+fifo)
	for url, want := range map[string]string{
		"mmap://" + link: "symbolic link",
		"mmap://" + fifo: "a FIFO",
		"mmap://" + dir:  "a directory",
		"fifo://" + file: "mismatch",
	} {
		expectFailure(t, run(t, "", "rm", url), exitError, want)
	}
	expectFailure(t, run(t, "", "read", "mmap://"+fifo), exitError, "no regular file") // and doesn't wait
	expectFailure(t, run(t, "", "create", "mmap://"+fifo, "--size", "1"), exitError, "no regular file; choose another path")
	for _, path := range []string{file, link, fifo} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	// Root can give a file away, and meet another user's.
	if os.Geteuid() != 0 {
		t.Log("only root can make a file of another user to refuse")
		return
	}
	if err := os.Chown(file, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	expectFailure(t, run(t, "", "rm", "mmap://"+file), exitError, "12345")
}

func TestWatchNoticesRemoval(t *testing.T) {
	onMemory(t, "100", func(t *testing.T, url string) {
		p := watching(t, url)
		succeed(t, "", "rm", url)
		expectEnd(t, p, exitError)
		if !strings.Contains(p.Stderr(), "is gone") {
			t.Errorf("%s", p.Stderr())
		}
	})
}

func TestWatchNoticesTruncation(t *testing.T) {
	for _, size := range []int64{0, 10, 4096} { // within a page no fault tells
		onMemory(t, "100K", func(t *testing.T, url string) {
			p := watching(t, url)
			if err := os.Truncate(pathOf(url), size); err != nil {
				t.Fatal(err)
			}
			expectEnd(t, p, exitError)
			if !strings.Contains(p.Stderr(), "truncated") {
				t.Errorf("%s", p.Stderr())
			}
		})
	}
}

func TestWatchInterrupted(t *testing.T) {
	for _, sig := range endings {
		p := watching(t, create(t, "mmap", "100"))
		if err := p.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, p, 0)
	}
}
