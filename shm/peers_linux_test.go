package shm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

func TestC(t *testing.T) {
	peer := ipctest.C(t, "testdata/peer.c")
	t.Run("ours", func(t *testing.T) {
		seg := mustCreate(t, 5000, nil)
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "attach "+seg.Name(), "5000")
		tell(t, p, "write 4990 from-C", "written")
		if got := text(t, seg, 4990, 6); got != "from-C" {
			t.Errorf("%q", got)
		}
		seg.WriteAt([]byte("from-Go"), 1)
		tell(t, p, "read 1 7", "from-Go")
		// Both count at once.
		const n = 100_000
		p.Say(fmt.Sprintf("add 64 %d", n))
		for range n {
			if _, err := mmap.AtomicAdd(seg.Mapping, 64, uint64(1)); err != nil {
				t.Fatal(err)
			}
		}
		p.Expect("added")
		if v, err := mmap.AtomicLoad[uint64](seg.Mapping, 64); v != 2*n || err != nil {
			t.Errorf("%d increments of %d, %v", v, 2*n, err)
		}
		tell(t, p, "unlink "+seg.Name(), "0")
		_, err := Open(seg.Name(), nil)
		ipctest.WantError(t, err, os.ErrNotExist)
	})
	t.Run("theirs", func(t *testing.T) {
		name := ipctest.UniqueName()
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "create "+name+" 5000", "5000")
		tell(t, p, "write 10 hello", "written")
		seg, err := Open(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, seg)
		if seg.Len() != 5000 || text(t, seg, 10, 5) != "hello" {
			t.Errorf("%d bytes, %q", seg.Len(), seg.Bytes()[10:15])
		}
		seg.WriteAt([]byte("answer"), 20)
		tell(t, p, "read 20 6", "answer")
		if err := Remove(KindSegment, name, nil); err != nil {
			t.Error(err)
		}
		tell(t, p, "unlink "+name, "-1")
	})
}

const firstWithSharedMemory = 8 // Python 3.8

func TestPython(t *testing.T) {
	for python, peer := range ipctest.Pythons(t, firstWithSharedMemory, "testdata/peer.py") {
		t.Run(versionOf(python), func(t *testing.T) { testPython(t, peer) })
	}
}

// versionOf returns which Python a path is that of: 3.9.18, or usr for Debian's.
func versionOf(python string) string { return filepath.Base(filepath.Dir(filepath.Dir(python))) }

func testPython(t *testing.T, peer ipctest.Program) {
	t.Run("ours", func(t *testing.T) {
		seg := mustCreate(t, 5000, nil)
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "attach "+seg.Name(), "5000")
		tell(t, p, "keep", "kept")
		tell(t, p, "write 4990 python", "written")
		if got := text(t, seg, 4990, 6); got != "python" {
			t.Errorf("%q", got)
		}
		seg.WriteAt([]byte("from-Go"), 1)
		tell(t, p, "read 1 7", "from-Go")
		stop(t, p)
		if again, err := Open(seg.Name(), nil); err != nil {
			t.Error("in spite of unregister: ", err)
		} else {
			again.Close()
		}
	})
	t.Run("theirs", func(t *testing.T) {
		name := ipctest.UniqueName()
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "create "+name+" 5000", "5000")
		tell(t, p, "write 10 hello", "written")
		seg, err := Open(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, seg)
		if seg.Len() != 5000 || text(t, seg, 10, 5) != "hello" {
			t.Errorf("%d bytes, %q", seg.Len(), seg.Bytes()[10:15])
		}
		seg.WriteAt([]byte("answer"), 20)
		tell(t, p, "read 20 6", "answer")
		tell(t, p, "unlink", "unlinked")
		_, err = Open(name, nil)
		ipctest.WantError(t, err, os.ErrNotExist)
	})
	// Docs: a process that merely attached removes the segment on exit.
	t.Run("deletes on exit", func(t *testing.T) {
		seg := mustCreate(t, 5000, nil)
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "attach "+seg.Name(), "5000")
		stop(t, p)
		again, err := Open(seg.Name(), nil)
		if err == nil {
			again.Close()
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		if _, err := mmap.Read[byte](seg.Mapping, 0); err != nil { // what is mapped stays
			t.Error(err)
		}
	})
}

// TestInteropPrograms runs the programs that the documents show, and checks that
// they show these.
func TestInteropPrograms(t *testing.T) {
	shown := func(t *testing.T, document, source string) string {
		t.Helper()
		page, err := os.ReadFile("../docs/" + document)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, append([]byte("\n"), text...)) {
			t.Errorf("docs/%s does not show %s as it is", document, source)
		}
		return source
	}
	// The segment is Python's own.
	attachTheirs := func(t *testing.T, peer, program ipctest.Program) {
		name := ipctest.UniqueName()
		maker := ipctest.StartCommand(t, peer())
		tell(t, maker, "create "+name+" 4096", "4096")
		p := ipctest.StartCommand(t, program(name))
		p.Expect("0")
		stop(t, p)
		seg, err := Open(name, nil) // it is still there
		if err != nil {
			t.Fatal(err)
		}
		keep(t, seg)
		if v, err := mmap.Read[int64](seg.Mapping, 8); v != 42 || err != nil {
			t.Error(v, err)
		}
		tell(t, maker, "unlink", "unlinked")
	}
	t.Run("Python", func(t *testing.T) {
		peers := ipctest.Pythons(t, firstWithSharedMemory, "testdata/peer.py")
		for python, program := range ipctest.Pythons(t, firstWithSharedMemory, shown(t, "interop.md", "testdata/attach.py")) {
			t.Run(versionOf(python), func(t *testing.T) {
				testShownAttach(t, program)
				attachTheirs(t, peers[python], program)
			})
		}
	})
	t.Run("C", func(t *testing.T) { testShownAttach(t, ipctest.C(t, shown(t, "interop.md", "testdata/attach.c"))) })
	t.Run("latest value", func(t *testing.T) {
		type position struct {
			Lat, Lon float64
			Floor    int16
		}
		name := ipctest.UniqueName()
		l, err := OpenOrCreateLatest[position](name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer Remove(KindLatest, name, nil)
		defer l.Close()
		w, err := l.TryWriter()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 7 {
			if err := w.Store(position{52.5, 13.25, int16(i)}); err != nil {
				t.Fatal(err)
			}
		}
		p := ipctest.StartCommand(t, ipctest.Python(t, shown(t, "formats.md", "testdata/latest.py"))(name, "<ddh6x"))
		p.Expect("['size 24', '0 float64 Lat', '8 float64 Lon', '16 int16 Floor'] 7 (52.5, 13.25, 6)")
		stop(t, p)
	})
}
