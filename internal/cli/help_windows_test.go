package cli

import (
	"regexp"
	"strings"
	"testing"
)

// What the help shows of files are paths of Windows, which every verb takes.
func TestHelpShowsPathsWithDrives(t *testing.T) {
	url := regexp.MustCompile(`(?:mmap|file)://[^\s,;]*`)
	found := 0
	for _, path := range append(every(newRoot()), nil) {
		for _, u := range url.FindAllString(succeed(t, "", append(path, "--help")...), -1) {
			if _, path, _ := strings.Cut(u, "://"); path == "" {
				continue
			}
			found++
			if !strings.Contains(u, ":///C:/") {
				t.Errorf("ipc %s --help: %s", strings.Join(path, " "), u)
			}
			if target, err := parseURL(u, mechanisms); err != nil || !strings.HasPrefix(target.path(), "C:") {
				t.Errorf("%s: %v, %v", u, target, err)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d paths", found)
	}
}
