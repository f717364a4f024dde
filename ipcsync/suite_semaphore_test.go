package ipcsync

import (
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// semaphoreProcess is the other process in the tests of semaphores.
var semaphoreProcess = ipctest.SemaphoreHelper("semaphore process", openSuiteSemaphore)

// openSuiteSemaphore opens the semaphore that is called args[1], or lies in the
// file args[2]; args[0] says whether to track.
func openSuiteSemaphore(args []string) (ipctest.Semaphore, error) {
	cfg, forget, err := placeOf(args[2:])
	if err != nil {
		return nil, err
	}
	defer forget()
	if args[0] == "tracked" {
		cfg = tracking
	}
	return OpenSemaphore(args[1], cfg)
}

func TestSemaphoreIsASemaphore(t *testing.T) {
	for _, where := range []string{"named", "0666", "placed", "tracked"} {
		t.Run(where, func(t *testing.T) {
			semaphores := ipctest.Semaphores{
				Make: func(t *testing.T, value, limit int) []string {
					return append([]string{where}, makeObject(t, KindSemaphore, where, func(name string, cfg *Config) (*Semaphore, error) {
						cfg.Max, cfg.Track = limit, where == "tracked"
						return CreateSemaphore(name, value, cfg)
					})...)
				},
				Open: openSuiteSemaphore, Process: semaphoreProcess,
				Remove: removable(KindSemaphore, where), Tracks: where == "tracked",
				Lacks: slowElsewhere(where),
			}
			ipctest.TestSemaphore(t, semaphores)
		})
	}
}

// eventProcess is the other process in the tests of events.
var eventProcess = ipctest.EventHelper("event process", openSuiteEvent)

// openSuiteEvent opens the event that is called args[0], or lies in the file
// args[1].
func openSuiteEvent(args []string) (ipctest.Event, error) {
	cfg, forget, err := placeOf(args[1:])
	if err != nil {
		return nil, err
	}
	defer forget()
	return OpenEvent(args[0], cfg)
}

func TestEventIsAnEvent(t *testing.T) {
	for _, sort := range []struct {
		where  string
		manual bool
	}{{"named", false}, {"0666", false}, {"placed", false}, {"named", true}, {"placed", true}} {
		name := sort.where
		if sort.manual {
			name += ", reset by hand"
		}
		t.Run(name, func(t *testing.T) {
			events := ipctest.Events{
				Make: func(t *testing.T) []string {
					return makeObject(t, KindEvent, sort.where, func(name string, cfg *Config) (*Event, error) {
						cfg.ManualReset = sort.manual
						return CreateEvent(name, cfg)
					})
				},
				Open: openSuiteEvent, Process: eventProcess, Manual: sort.manual,
			}
			if runtime.GOOS == "linux" && name == "named" {
				events.Remove = func(args []string) error { return Remove(KindEvent, args[0], nil) }
			}
			ipctest.TestEvent(t, events)
		})
	}
}
