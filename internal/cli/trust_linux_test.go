package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// otherUser is a user that neither root nor this user is.
const otherUser = 12345

// giveAway makes another user the owner of a file.
func giveAway(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make an object of another user")
	}
	if err := os.Chown(path, otherUser, otherUser); err != nil {
		t.Fatal(err)
	}
}

func TestObjectsOfAnotherUserAreOpenedWithTrust(t *testing.T) {
	trust := []string{"--trust", strconv.Itoa(otherUser)}
	for _, test := range []struct {
		scheme, file string
		create, open []string
	}{
		{"shm", "/dev/shm/", []string{"--size", "5"}, []string{"read", "URL"}},
		{"shm", "/dev/shm/", []string{"--size", "5"}, []string{"write", "URL", "text"}},
		{"sem", "/dev/shm/sem.", []string{"--value", "1"}, []string{"acquire", "URL"}},
		{"sem", "/dev/shm/sem.", []string{"--value", "1"}, []string{"release", "URL"}},
		{"mutex", "/dev/shm/bw.mutex.", nil, []string{"stat", "URL"}},
		{"event", "/dev/shm/bw.event.", nil, []string{"set", "URL"}},
		{"event", "/dev/shm/bw.event.", nil, []string{"reset", "URL"}},
	} {
		t.Run(test.open[0], func(t *testing.T) {
			url := createSync(t, test.scheme, test.create...)
			giveAway(t, test.file+url[len(test.scheme+"://"):])
			open := slices.Clone(test.open)
			open[1] = url
			expectFailure(t, run(t, "", open...), exitError, strconv.Itoa(otherUser))
			succeed(t, "", append(open, trust...)...)
		})
	}
	t.Run("fifo", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "fifo")
		url := "fifo://" + path
		succeed(t, "", "create", url)
		giveAway(t, path)
		expectFailure(t, run(t, "", "serve", url), exitError, strconv.Itoa(otherUser))
		expectFailure(t, run(t, "", "send", url, "x"), exitError, strconv.Itoa(otherUser))
		server := served(t, url, append(trust, "--count", "1")...)
		succeed(t, "", append([]string{"send", url, "--no-newline", "x"}, trust...)...)
		expectText(t, server, "x")
		expectEnd(t, server, 0)
	})
}

func TestLockOfAnotherUser(t *testing.T) {
	url := createSync(t, "mutex")
	giveAway(t, "/dev/shm/bw.mutex."+url[len("mutex://"):])
	expectFailure(t, run(t, "", "lock", url, "--", "true"), exitOurs, strconv.Itoa(otherUser))
	r := run(t, "", "rm", url)
	expectFailure(t, r, exitError, strconv.Itoa(otherUser), "--trust")
	if strings.Contains(r.stderr, "--force") {
		t.Errorf("it advises what most users can't: %s", r.stderr)
	}
	succeed(t, "", "lock", url, "--trust", strconv.Itoa(otherUser), "--", "true")
}
