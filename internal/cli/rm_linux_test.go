package cli

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
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
