package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openVerbs are the verbs that open what is at a path, makeVerbs those that make or
// remove what is there. LINK is the path.
var (
	openVerbs = map[string][]string{
		"fifo":   {"stat fifo://LINK"},
		"file":   {"read mmap://LINK", "write mmap://LINK text", "lock file://LINK -- true"},
		"socket": {"stat pipe://LINK", "send pipe://LINK x"},
	}
	makeVerbs = []string{
		"serve pipe://LINK", "create fifo://LINK", "rm fifo://LINK", "create mmap://LINK --size 4K", "rm mmap://LINK",
	}
)

// onLink runs the command with a link instead of LINK.
func onLink(t *testing.T, words, link string) result {
	t.Helper()
	return run(t, "", strings.Fields(strings.ReplaceAll(words, "LINK", link))...)
}

// makeTargets makes a FIFO, a file and a served socket in a directory.
func makeTargets(t *testing.T, dir string) {
	t.Helper()
	succeed(t, "", "create", "fifo://"+filepath.Join(dir, "fifo"))
	succeed(t, "", "create", "mmap://"+filepath.Join(dir, "file"), "--size", "4")
	server := served(t, "pipe://"+filepath.Join(dir, "socket"))
	t.Cleanup(func() { server.Kill() })
}

// Verbs that open follow a link of this user, as the last part of the path and before.
// What is made or removed is never what a link leads to.
func TestLinksAreFollowedToOpenAndNeverToMakeOrRemove(t *testing.T) {
	if out := succeed(t, "", "--help"); !strings.Contains(out, linkHelp) {
		t.Errorf("the help lacks the rule:\n%s", out)
	}
	base := t.TempDir()
	dir, toDir := filepath.Join(base, "dir"), filepath.Join(base, "to-dir")
	for _, err := range []error{os.Mkdir(dir, 0o700), os.Symlink(dir, toDir)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	makeTargets(t, toDir)
	for name, verbs := range openVerbs {
		link := filepath.Join(base, "to-"+name)
		if err := os.Symlink(filepath.Join(dir, name), link); err != nil {
			t.Fatal(err)
		}
		for _, words := range verbs {
			for _, path := range []string{link, filepath.Join(toDir, name)} {
				if r := onLink(t, words, path); r.code != 0 {
					t.Errorf("ipc %s at %s: %+v", words, path, r)
				}
			}
		}
		for _, words := range makeVerbs {
			if r := onLink(t, words, link); r.code != exitError || r.stderr == "" {
				t.Errorf("ipc %s, a link to a %s: %+v", words, name, r)
			}
		}
	}
	if out := succeed(t, "", "ls", "fifo://"+toDir); !strings.Contains(out, "fifo://"+filepath.Join(toDir, "fifo")) {
		t.Errorf("%s", out)
	}
	for _, name := range []string{"fifo", "file", "socket"} {
		for _, path := range []string{filepath.Join(dir, name), filepath.Join(base, "to-"+name)} {
			if _, err := os.Lstat(path); err != nil {
				t.Error(err)
			}
		}
	}
}

// A link to nothing is not where a verb that opens or creates creates.
func TestNothingIsCreatedWhereALinkLeads(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	verbs := append([]string{"serve fifo://LINK", "lock file://LINK -- true", "lock file://LINK --fcntl -- true"}, makeVerbs...)
	for _, words := range verbs {
		r := onLink(t, words, link)
		if r.code == 0 || r.code == exitUsage || r.stderr == "" {
			t.Errorf("ipc %s: %+v", words, r)
		}
		if _, err := os.Lstat(target); !os.IsNotExist(err) {
			t.Fatalf("ipc %s: there is %s", words, target)
		}
	}
}

// No verb follows a link that another user could replace.
func TestLinksThatOthersCouldReplaceAreRefused(t *testing.T) {
	base := t.TempDir()
	dir, open := filepath.Join(base, "dir"), filepath.Join(base, "open")
	for _, err := range []error{os.Mkdir(dir, 0o700), os.Mkdir(open, 0o700), os.Symlink(dir, filepath.Join(open, "link")), os.Chmod(open, 0o777)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	makeTargets(t, dir)
	verbs := append([]string{"serve fifo://LINK", "ls fifo://LINK"}, makeVerbs...)
	for _, some := range openVerbs {
		verbs = append(verbs, some...)
	}
	for _, words := range verbs {
		for _, name := range []string{"fifo", "file", "socket"} {
			r := onLink(t, words, filepath.Join(open, "link", name))
			if r.code == 0 || r.code == exitUsage || !strings.Contains(r.stderr, "can be replaced by others") {
				t.Errorf("ipc %s: %+v", strings.ReplaceAll(words, "LINK", name), r)
			}
		}
	}
}
