package ipcsync

import (
	"encoding/binary"
	"io"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// What is not the object that it should be is refused, and left as it is.
func TestMismatch(t *testing.T) {
	for kind, o := range map[string]struct {
		start []byte // of the payload
		open  func(name string) (io.Closer, error)
	}{
		"mutex": {nil, func(name string) (io.Closer, error) {
			return openAs(KindMutex, robust.Open, name, nil, func(s *settings) (*sharedMutex, error) {
				m, err := newSharedMutex(robust.Open, KindMutex, name, s)
				return &m, err
			})
		}},
		"rwmutex": {nil, func(name string) (io.Closer, error) { return OpenRWMutex(name, nil) }},
		"event": {[]byte{eventMade}, func(name string) (io.Closer, error) {
			return openAs(KindEvent, robust.Open, name, nil, func(s *settings) (*Event, error) { return newSharedEvent(robust.Open, name, s) })
		}},
		"barrier": {[]byte{0, 0, 1, 0, 0, 0, 0, 0, 2}, func(name string) (io.Closer, error) { return OpenBarrier(name, nil) }},
		"cond":    {nil, func(name string) (io.Closer, error) { return OpenCond(name, nil) }},
		"leader":  {nil, func(name string) (io.Closer, error) { return Lead(t.Context(), name, nil) }},
		"track": {nil, func(name string) (io.Closer, error) {
			s, err := OpenOrCreateSemaphore(name, 1, nil)
			if err != nil {
				return nil, err
			}
			defer os.Remove("/dev/shm/sem." + name)
			defer s.Close()
			return OpenSemaphore(name, tracking)
		}},
	} {
		t.Run(kind, func(t *testing.T) { testMismatch(t, kind, o.start, o.open) })
	}
}

func testMismatch(t *testing.T, kind string, start []byte, open func(name string) (io.Closer, error)) {
	whole := func() []byte {
		h := layout.Header{
			Kind: kind, Version: layoutVersion, Reader: layoutVersion, Writer: layoutVersion,
			Slots: robust.DefaultSlots, Payload: Size - 64,
		}
		b, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, make([]byte, h.Payload)...)
		copy(b[64:], start)
		return b
	}
	try := func(t *testing.T, b []byte) error {
		name := ipctest.UniqueName()
		path, err := object.Path(kind, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		o, refusal := open(name)
		if refusal == nil {
			return o.Close()
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(b) {
			t.Errorf("it was changed: %v", err)
		}
		return refusal
	}
	if err := try(t, whole()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"empty":     func(b []byte) []byte { return nil },
		"short":     func(b []byte) []byte { return b[:len(b)-1] },
		"foreign":   func(b []byte) []byte { copy(b, "GIF89a  "); return b },
		"kind":      func(b []byte) []byte { copy(b[8:], "latest\x00\x00"); return b },
		"older":     func(b []byte) []byte { binary.LittleEndian.PutUint16(b[16:], layoutVersion-1); return b },
		"slots":     func(b []byte) []byte { binary.LittleEndian.PutUint32(b[48:], 1<<30); return b },
		"no slots":  func(b []byte) []byte { binary.LittleEndian.PutUint32(b[48:], 0); return b },
		"newer":     func(b []byte) []byte { binary.LittleEndian.PutUint16(b[20:], layoutVersion+1); return b },
		"payload":   func(b []byte) []byte { binary.LittleEndian.PutUint64(b[32:], 1<<40); return b },
		"elsewhere": func(b []byte) []byte { binary.LittleEndian.PutUint32(b[24:], 128); return b },
		"zeros":     func(b []byte) []byte { clear(b[64:]); return b },
	} {
		if name == "zeros" && start == nil {
			continue // that is how it begins
		}
		t.Run(name, func(t *testing.T) {
			ipctest.WantError(t, try(t, change(whole())), breezeway.ErrMismatch)
		})
	}
}
