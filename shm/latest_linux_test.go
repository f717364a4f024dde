package shm

import (
	"io"
	"os"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestStoreWhileFileIsTruncated has the file truncated by a process that Config.Mode
// admits, at the worst moment: a value has been published through the writer's mapping,
// and then the gate, in the other mapping, has no memory any more.
func TestStoreWhileFileIsTruncated(t *testing.T) {
	cfg := &Config{Mode: 0o666}
	l := openPicture(t, ipctest.UniqueName(), cfg)
	w := takeOver(t, l)
	truncated := openPicture(t, ipctest.UniqueName(), cfg)
	if err := os.Truncate(truncated.o.File.Name(), 0); err != nil {
		t.Fatal(err)
	}
	atomic.OrUint32(&l.head.gate, gateParked)
	w.l = truncated // only the gate is reached through it
	err := w.Store(pictureOf(1))
	w.l = l
	ipctest.WantError(t, err, io.ErrUnexpectedEOF, "truncated")
	if v, version, err := l.Load(); version != 1 || v != pictureOf(1) || err != nil {
		t.Error(version, err)
	}
	if err := os.Truncate(l.o.File.Name(), 0); err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, w.Store(pictureOf(2)), io.ErrUnexpectedEOF, "truncated")
	if err := os.Truncate(l.o.File.Name(), int64(l.o.Len())); err != nil { // for Close
		t.Error(err)
	}
}
