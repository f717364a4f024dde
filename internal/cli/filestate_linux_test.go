package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/mmap"
)

func fileStateOf(t *testing.T, url string) (s state) {
	t.Helper()
	if err := json.Unmarshal([]byte(succeed(t, "", "stat", url, "--json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// ipc stat tells which process holds a file's lock, of either sort, and takes none.
func TestStatOfAFileLock(t *testing.T) {
	url := "file://" + filepath.Join(t.TempDir(), "locked")
	for _, how := range [][]string{nil, {"--shared"}, {"--fcntl"}} {
		p := lingering(t, url, how...)
		want := "locked"
		if len(how) > 0 && how[0] == "--shared" {
			want = "locked, shared"
		}
		if s := fileStateOf(t, url); s.State != want || s.Holders == nil || *s.Holders != 1 {
			t.Errorf("%q: %+v", how, s)
		}
		p.CloseInput()
		expectEnd(t, p, 7)
		if s := fileStateOf(t, url); s.State != "free" || *s.Holders != 0 || *s.Waiters != 0 {
			t.Errorf("%q: %+v", how, s)
		}
	}
	expectFailure(t, run(t, "", "stat", url+"-none"), exitError, "no such file")
}

func TestStatOfAMappedFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "mapped"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := mmap.Map(f, &mmap.Config{Capacity: 5000})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := fileStateOf(t, "mmap://"+f.Name())
	if s.Size == nil || *s.Size != 5000 || s.Owner == "" || len(s.Processes) != 1 || s.Processes[0].PID != os.Getpid() {
		t.Errorf("%+v", s)
	}
}
