package cli

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// fileSchemes are the schemes of our own objects and the kinds in their files' names.
var fileSchemes = map[string]string{
	"mutex": "mutex", "rwmutex": "rwmutex", "event": "event", "barrier": "barrier", "lead": "leader",
}

// rm removes an object of any version, also one that is no object at all.
func TestRemoveAnyVersion(t *testing.T) {
	for scheme, kind := range fileSchemes {
		t.Run(scheme, func(t *testing.T) {
			url := syncURL(t, scheme)
			path := "/dev/shm/bw." + kind + "." + strings.TrimPrefix(url, scheme+"://")
			header := make([]byte, 8192)
			copy(header, "BRZWY\x00\x00\x00"+kind)
			binary.LittleEndian.PutUint32(header[24:], 9999) // wherever the version is
			if err := os.WriteFile(path, header, 0o600); err != nil {
				t.Fatal(err)
			}
			if slices.Contains([]string{"mutex", "rwmutex"}, scheme) {
				expectFailure(t, run(t, "", "lock", url, "--", "true"), exitOurs, "mismatch")
			}
			succeed(t, "", "rm", url)
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", path, err)
			}
		})
	}
}

func TestRemoveNamesWhatIsInTheWay(t *testing.T) {
	url := syncURL(t, "mutex")
	path := "/dev/shm/bw.mutex." + strings.TrimPrefix(url, "mutex://")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	expectFailure(t, run(t, "", "rm", url), exitError, url[len("mutex://"):], "is a directory")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A lock that a process holds is removed only by force. Then its holder is told, and the
// name is free.
func TestRemoveHeldLock(t *testing.T) {
	for _, scheme := range []string{"mutex", "rwmutex"} {
		t.Run(scheme, func(t *testing.T) {
			url := syncURL(t, scheme)
			holder := lingering(t, url)
			expectFailure(t, run(t, "", "rm", url), exitError, url, "is held by process", "--force")
			expectFailure(t, run(t, "", "lock", url, "-n", "--", "true"), exitTimedOut)
			succeed(t, "", "rm", url, "--force")
			expectFailure(t, run(t, "", "rm", url), exitError, "no such")
			succeed(t, "", "lock", url, "-n", "--", "true") // another lock
			holder.CloseInput()
			holder.Wait()
			if text := holder.Stderr(); !strings.Contains(text, "it was removed while it was held") {
				t.Errorf("the holder says %q", text)
			}
			succeed(t, "", "rm", url)
		})
	}
	url := syncURL(t, "lead")
	l, err := ipcsync.Lead(t.Context(), strings.TrimPrefix(url, "lead://"), nil)
	if err != nil {
		t.Fatal(err)
	}
	expectFailure(t, run(t, "", "rm", url), exitError, url, "is held by process", "--force")
	succeed(t, "", "rm", "-f", url)
	if err := l.Resign(); !errors.Is(err, breezeway.ErrRemoved) {
		t.Error(err)
	}
}

// What a dead process holds is free, and what is free needs no force.
func TestRemoveLockOfTheDead(t *testing.T) {
	url := syncURL(t, "mutex")
	holder := lingering(t, url)
	holder.Kill()
	holder.Wait()
	succeed(t, "", "rm", url)
}
