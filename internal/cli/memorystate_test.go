package cli

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/shm"
)

// What only Go programs create the command lists, describes and removes.
func TestStatAndRemoveWhatGoCreates(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("conditions and latest values are for Linux and Windows")
	}
	name := ipctest.UniqueName()
	s, err := shm.CreateStruct[uint64](name, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := shm.CreateLatest[uint64](name, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ipcsync.CreateCond(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for scheme, closeIt := range map[string]func() error{"struct": s.Close, "latest": l.Close, "cond": c.Close} {
		url := scheme + "://" + name
		t.Cleanup(func() { closeIt(); run(t, "", "rm", url) })
		if scheme == "cond" {
			if st := stat(t, url); st.Waiters != 0 {
				t.Errorf("%+v", st)
			}
		} else {
			var st statLine
			if err := json.Unmarshal([]byte(succeed(t, "", "stat", url, "--json")), &st); err != nil {
				t.Fatal(err)
			}
			if st.URL != url || st.Size == nil || *st.Size < 8 || st.Owner == "" || st.Modified == nil || st.Mode != "0600" && runtime.GOOS == "linux" {
				t.Errorf("%+v", st)
			}
			if text := succeed(t, "", "stat", url); !strings.HasPrefix(text, "size ") || !strings.Contains(text, st.Owner) {
				t.Errorf("%s", text)
			}
		}
		if out := succeed(t, "", "__complete", "rm", scheme+"://"); !strings.Contains(out, url+"\n") {
			t.Errorf("it isn't listed: %s", out)
		}
		if err := closeIt(); err != nil {
			t.Error(err)
		}
		succeed(t, "", "rm", url)
		expectFailure(t, run(t, "", "stat", url), exitError, "no such")
	}
}
