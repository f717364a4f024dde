package shm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// ask has a peer do something and returns its answer.
func ask(t *testing.T, p *ipctest.Process, command string) string {
	t.Helper()
	p.Say(command)
	return p.Hear()
}

// tell has a peer do something, whose answer is known.
func tell(t *testing.T, p *ipctest.Process, command, answer string) {
	t.Helper()
	if got := ask(t, p, command); got != answer {
		t.Fatalf("%s: %q, want %q", command, got, answer)
	}
}

// stop ends a peer and waits for it.
func stop(t *testing.T, p *ipctest.Process) {
	t.Helper()
	p.CloseInput()
	if err := p.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.Stderr())
	}
}

func text(t *testing.T, seg *Segment, at int64, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := seg.ReadAt(b, at); err != nil {
		t.Error(err)
	}
	return string(b)
}

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
		wantError(t, err, os.ErrNotExist)
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
		if err := Remove(name); err != nil {
			t.Error(err)
		}
		tell(t, p, "unlink "+name, "-1")
	})
}

func TestDotNet(t *testing.T) {
	peer := ipctest.CSharp(t, "testdata/peer.cs")
	p := ipctest.StartCommand(t, peer())
	for _, creator := range []string{"ours", "theirs"} {
		t.Run(creator, func(t *testing.T) {
			name := ipctest.UniqueName()
			var seg *Segment
			var err error
			if creator == "ours" {
				seg = mustCreate(t, 4096, nil)
				tell(t, p, "open "+seg.Name(), "opened")
			} else {
				tell(t, p, "create "+name+" 4096", "created")
				defer removeIfThere(t, name)
				if seg, err = Open(name, nil); err != nil {
					t.Fatal(err)
				}
				keep(t, seg)
			}
			if seg.Len() != 4096 {
				t.Errorf("%d bytes", seg.Len())
			}
			// An accessor.
			tell(t, p, "put 100 -123456789012345", "put")
			if v, err := mmap.Read[int64](seg.Mapping, 100); v != -123456789012345 || err != nil {
				t.Error(v, err)
			}
			if err := mmap.Write(seg.Mapping, 3, int64(42)); err != nil {
				t.Fatal(err)
			}
			tell(t, p, "get 3", "42")
			// A stream.
			tell(t, p, "stream 200", "written")
			testStream(t, seg)
			w := mmap.NewBinaryWriter(io.NewOffsetWriter(seg, 1000))
			if err := w.Write(true, int8(-1), uint8(2), int16(-3), uint16(4), int32(-5), uint32(6), int64(-7), uint64(8),
				float32(1.5), math.Pi, "", "text", strings.Repeat("é", 200)); err != nil {
				t.Fatal(err)
			}
			tell(t, p, "destream 1000", "True -1 2 -3 4 -5 6 -7 8 True True 0 text 200")
			tell(t, p, "close", "closed")
		})
	}
}

// testStream reads what the C# program's "stream" wrote at 200.
func testStream(t *testing.T, seg *Segment) {
	t.Helper()
	var (
		yes                bool
		i8                 int8
		u8                 uint8
		i16                int16
		u16                uint16
		i32                int32
		u32                uint32
		i64                int64
		u64                uint64
		f32                float32
		f64                float64
		empty, short, long string
	)
	s := mmap.NewStream(seg.Mapping)
	if _, err := s.Seek(200, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := mmap.NewBinaryReader(s).Read(&yes, &i8, &u8, &i16, &u16, &i32, &u32, &i64, &u64, &f32, &f64, &empty, &short, &long); err != nil {
		t.Fatal(err)
	}
	if !yes || i8 != -1 || u8 != 2 || i16 != -3 || u16 != 4 || i32 != -5 || u32 != 6 || i64 != -7 || u64 != 8 ||
		f32 != 1.5 || f64 != math.Pi || empty != "" || short != "text" || long != strings.Repeat("é", 200) {
		t.Error(yes, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, empty, short, long)
	}
}

func TestPython(t *testing.T) {
	peer := ipctest.Python(t, "testdata/peer.py")
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
		wantError(t, err, os.ErrNotExist)
	})
	// Docs: before 3.13 whoever merely attached removes the segment on exit.
	t.Run("deletes on exit", func(t *testing.T) {
		seg := mustCreate(t, 5000, nil)
		p := ipctest.StartCommand(t, peer())
		var major, minor int
		fmt.Sscan(ask(t, p, "version"), &major, &minor)
		tell(t, p, "attach "+seg.Name(), "5000")
		stop(t, p)
		again, err := Open(seg.Name(), nil)
		if err == nil {
			again.Close()
		}
		if gone := errors.Is(err, os.ErrNotExist); gone != (major == 3 && minor < 13) {
			t.Errorf("Python %d.%d: gone %v, %v", major, minor, gone, err)
		}
		if _, err := mmap.Read[byte](seg.Mapping, 0); err != nil { // what is mapped stays
			t.Error(err)
		}
	})
	t.Run("ShareableList", func(t *testing.T) {
		p := ipctest.StartCommand(t, peer())
		ours, err := CreateShareableList(ipctest.UniqueName(), []any{nil, true, -7, 2.5, "text", []byte("raw"), "ünï"}, nil)
		keepList(t, ours, err)
		tell(t, p, "openlist "+ours.Segment().Name(), "[None, True, -7, 2.5, 'text', b'raw', 'ünï']")
		for i, v := range []any{int64(1), nil, "eight by", true, 0.5, "é", []byte("x")} {
			if err := ours.Set(i, v); err != nil {
				t.Error(err)
			}
		}
		tell(t, p, "showlist", "[1, None, 'eight by', True, 0.5, 'é', b'x']")
		name := ipctest.UniqueName()
		tell(t, p, "list "+name, "[None, True, -7, 2.5, 'text', b'raw', 'ünï']")
		theirs, err := OpenShareableList(name, nil)
		keepList(t, theirs, err)
		expect := func(want ...any) {
			t.Helper()
			for i, want := range want {
				if v, err := theirs.Get(i); !sameValue(v, want) || err != nil {
					t.Errorf("element %d: %#v, %v, want %#v", i, v, err, want)
				}
			}
		}
		expect(nil, true, int64(-7), 2.5, "text", []byte("raw"), "ünï")
		for i, v := range []string{"1", "None", "'eight_by'", "True", "0.5", "'é'", "b'x'"} {
			ask(t, p, fmt.Sprintf("setlist %d %s", i, v))
		}
		expect(int64(1), nil, "eight_by", true, 0.5, "é", []byte("x"))
		if err := theirs.Set(4, "set"); err != nil {
			t.Error(err)
		}
		tell(t, p, "showlist", "[1, None, 'eight_by', True, 'set', 'é', b'x']")
		tell(t, p, "unlinklist", "unlinked")
	})
}

// numpy returns the command for a Python that has numpy.
func numpy(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import numpy").Run() == nil {
			return exec.Command(python, args...)
		}
	}
	ipctest.Missing(t, "there is no python3 with numpy (Debian: python3-numpy)")
	return nil
}

func TestNumpy(t *testing.T) {
	p := ipctest.StartCommand(t, numpy(t, "testdata/peer.py"))
	t.Run("view", func(t *testing.T) {
		seg := mustCreate(t, 4096, nil)
		s, err := mmap.Slice[int32](seg.Mapping, 8, 5)
		if err != nil {
			t.Fatal(err)
		}
		copy(s, []int32{1, -2, 3, -4, 5})
		tell(t, p, "attach "+seg.Name(), "4096")
		tell(t, p, "keep", "kept")
		tell(t, p, "view 8 5 <i4", "[2, -4, 6, -8, 10]")
		if !slices.Equal(s, []int32{2, -4, 6, -8, 10}) {
			t.Error(s)
		}
	})
	t.Run("theirs", func(t *testing.T) {
		name := ipctest.UniqueName()
		tell(t, p, "savenpy "+name, "224")
		a, err := OpenArray[float64](name, []int{3, 4}, nil)
		keepArray(t, a, err)
		for i, v := range a.Data() {
			if v != float64(i)/4 {
				t.Errorf("element %d is %v", i, v)
			}
		}
		tell(t, p, "unlink", "unlinked")

		tell(t, p, "savestruct "+name, "336")
		s, err := OpenArray[record](name, []int{2}, nil)
		keepArray(t, s, err)
		want := [2]record{{ID: 7, Value: 0.5, Last: 255}, {ID: 8, Value: 1.5, Last: 255}}
		want[0].At.Y, want[1].At.Y, want[1].Axis[1][2] = 2.5, 2.5, -3
		if [2]record(s.Data()) != want {
			t.Errorf("%+v", s.Data())
		}
		tell(t, p, "unlink", "unlinked")

		tell(t, p, "savefortran "+name, "176")
		_, err = OpenArray[float64](name, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "Fortran") {
			t.Error(err)
		}
		tell(t, p, "unlink", "unlinked")
	})
	t.Run("ours", func(t *testing.T) {
		a, err := CreateArray[uint16](ipctest.UniqueName(), []int{2, 3}, nil)
		keepArray(t, a, err)
		for i := range a.Data() {
			a.Data()[i] = uint16(i)
		}
		tell(t, p, "loadnpy "+a.Segment().Name(), "(2, 3) [('', '<u2')] [[0, 1, 2], [3, 4, 5]]")
		if a.Data()[0] != 99 {
			t.Error("what numpy wrote is not there")
		}
		scalar, err := CreateArray[complex64](ipctest.UniqueName(), nil, nil)
		keepArray(t, scalar, err)
		scalar.Data()[0] = 1 + 2i
		tell(t, p, "loadnpy "+scalar.Segment().Name(), "() [('', '<c8')] (1+2j)")
		s, err := CreateArray[record](ipctest.UniqueName(), []int{1}, nil)
		keepArray(t, s, err)
		s.Data()[0] = record{ID: 1, Value: 0.25, Last: 3}
		tell(t, p, "loadnpy "+s.Segment().Name(), "(1,) [('ID', '|u1'), ('', '|V7'), ('value', '<f8'), ('Axis', '<i2', (2, 3)), "+
			"('At', [('X', '<f4'), ('Y', '<f4')]), ('Last', '|u1'), ('', '|V3')] [(1, 0.25, array([[0, 0, 0], [0, 0, 0]], dtype=int16), (0.0, 0.0), 3)]")
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
	attach := func(t *testing.T, program ipctest.Program) {
		seg := mustCreate(t, 4096, nil)
		if err := mmap.Write(seg.Mapping, 0, int64(36)); err != nil {
			t.Fatal(err)
		}
		p := ipctest.StartCommand(t, program(seg.Name()))
		p.Expect("36")
		stop(t, p)
		if v, err := mmap.Read[int64](seg.Mapping, 8); v != 42 || err != nil {
			t.Error(v, err)
		}
		again, err := Open(seg.Name(), nil)
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
	}
	t.Run("Python", func(t *testing.T) {
		attach(t, ipctest.Python(t, shown(t, "interop.md", "testdata/attach.py")))
	})
	t.Run("C", func(t *testing.T) { attach(t, ipctest.C(t, shown(t, "interop.md", "testdata/attach.c"))) })
	t.Run("C#", func(t *testing.T) { attach(t, ipctest.CSharp(t, shown(t, "interop.md", "testdata/attach.cs"))) })
	t.Run("numpy", func(t *testing.T) {
		a, err := CreateArray[int32](ipctest.UniqueName(), []int{2, 2}, nil)
		keepArray(t, a, err)
		copy(a.Data(), []int32{1, 2, 3, 4})
		twice := ipctest.UniqueName()
		p := ipctest.StartCommand(t, numpy(t, shown(t, "interop.md", "testdata/matrix.py"), a.Segment().Name(), twice))
		p.Expect("[[2, 4], [6, 8]]")
		stop(t, p)
		if !slices.Equal(a.Data(), make([]int32, 4)) {
			t.Error(a.Data())
		}
		// Who created it in Python removed it on exit.
		_, err = Open(twice, nil)
		wantError(t, err, os.ErrNotExist)
	})
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
		defer RemoveLatest(name, nil)
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
