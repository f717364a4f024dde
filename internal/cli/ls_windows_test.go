package cli

import (
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/shm"
)

// The kernel's objects are listed from its directory, with their owner, their access
// control list and how many handles there are.
func TestListShowsTheKernelsObjects(t *testing.T) {
	name := ipctest.UniqueName()
	for scheme, create := range map[string]func(name string) (interface{ Close() error }, error){
		"mutex": func(n string) (interface{ Close() error }, error) { return ipcsync.CreateMutex(n, nil) },
		"sem": func(n string) (interface{ Close() error }, error) {
			return ipcsync.CreateSemaphore(n, 2, &ipcsync.Config{Max: 5})
		},
		"event": func(n string) (interface{ Close() error }, error) { return ipcsync.CreateEvent(n, nil) },
		"shm":   func(n string) (interface{ Close() error }, error) { return shm.Create(n, 5000, nil) },
	} {
		url := scheme + "://" + name + scheme
		o, err := create(name + scheme)
		if err != nil {
			t.Fatal(err)
		}
		out := succeed(t, "", "ls", scheme+"://")
		state := map[string]string{"mutex": "free", "sem": "2 of 5 left", "event": "not set", "shm": "8.0 KiB"}[scheme]
		var fields []string
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, url+" ") {
				fields = strings.Fields(line)
			}
		}
		if len(fields) < 6 || !strings.HasPrefix(fields[1], "S-1-") || !strings.HasPrefix(fields[2], "D:") ||
			!strings.HasPrefix(strings.Join(fields[3:], " "), state+" 1 ") {
			t.Errorf("%s: %q in\n%s", url, fields, out)
		}
		succeed(t, "", "stat", url)
		if out := succeed(t, "", "__complete", "stat", url[:len(url)-1]); !strings.Contains(out, url+"\n") {
			t.Errorf("%s isn't completed: %s", url, out)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		if out := succeed(t, "", "ls", scheme+"://"); strings.Contains(out, url) {
			t.Errorf("%s is listed after it has gone", url)
		}
	}
}

// What is asked for and can't be listed is an error; without a URL it is left out.
func TestListSaysWhatItCannotList(t *testing.T) {
	if ipctest.UnderWine() {
		expectFailure(t, run(t, "", "ls", "pipe://"), exitError, "doesn't list its pipes")
	}
	succeed(t, "", "ls")
}
