package robust

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// An object whose file another process truncates while it is being opened is an error,
// and leaves no descriptor.
func TestTruncatedWhileAttached(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close descriptors
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := descriptors()
	cfg := &Config{Log: slog.New(slog.DiscardHandler)}
	for what, init := range map[string]func(o *Object) error{
		"found":  func(o *Object) error { return new(Mutex).Init(o) },
		"joined": func(o *Object) error { return o.Join(func(*liveness.Member) error { return nil }) },
	} {
		name := ipctest.UniqueName()
		err := Attach(Create, Layout{Kind: "test", Version: 1}, name, cfg, func(o *Object) error {
			if err := os.Truncate("/dev/shm/bw.test."+name, 0); err != nil {
				t.Error(err)
			}
			return init(o)
		})
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat("/dev/shm/bw.test." + name); err == nil {
			t.Errorf("%s: the object is left", what)
		}
	}
	if n := descriptors() - before; n > 0 {
		t.Errorf("%d descriptors are left", n)
	}
}
