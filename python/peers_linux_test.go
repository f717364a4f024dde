package python

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
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

func TestPythonShareableList(t *testing.T) {
	for python, peer := range ipctest.Pythons(t, firstWithThisList, "testdata/peer.py") {
		t.Run(versionOf(python), func(t *testing.T) { testShareableList(t, peer) })
	}
}

// testShareableList has each side make a list that the other one opens and changes.
func testShareableList(t *testing.T, peer ipctest.Program) {
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
}

// numpys returns what runs a program by every Python that has numpy.
func numpys(t *testing.T, source string) map[string]ipctest.Program {
	t.Helper()
	programs := ipctest.Pythons(t, firstWithSharedMemory, source)
	for python := range programs {
		if exec.Command(python, "-c", "import numpy").Run() != nil {
			delete(programs, python)
		}
	}
	if len(programs) == 0 {
		ipctest.Missing(t, "there is no python3 with numpy (Debian: python3-numpy)")
	}
	return programs
}

const (
	firstWithSharedMemory = 8 // Python 3.8
	firstWithThisList     = 9 // Python 3.9
)

// versionOf returns which Python a path is that of: 3.9.18, or usr for Debian's.
func versionOf(python string) string { return filepath.Base(filepath.Dir(filepath.Dir(python))) }

func TestNumpy(t *testing.T) {
	for python, peer := range numpys(t, "testdata/peer.py") {
		t.Run(versionOf(python), func(t *testing.T) { testNumpy(t, peer) })
	}
}

func testNumpy(t *testing.T, peer ipctest.Program) {
	p := ipctest.StartCommand(t, peer())
	t.Run("view", func(t *testing.T) {
		seg := mustCreate(t, 4096)
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
	// Latin-1 names in version 1 of the header, others in version 3.
	t.Run("names", func(t *testing.T) {
		type sizes struct {
			Width float64 `npy:"Größe"`
		}
		type other struct {
			Width float64 `npy:"高さ"`
		}
		name := ipctest.UniqueName()
		tell(t, p, "savenames "+name+" Größe", "1")
		latin1, err := OpenArray[sizes](name, []int{2}, nil)
		keepArray(t, latin1, err)
		tell(t, p, "unlink", "unlinked")
		tell(t, p, "savenames "+name+" 高さ", "3")
		utf8, err := OpenArray[other](name, []int{2}, nil)
		keepArray(t, utf8, err)
		if data := utf8.Data(); data[0].Width != 0.5 || data[1].Width != 1.5 {
			t.Error(data)
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

// shownInInterop checks that docs/interop.md shows the program in the file source.
func shownInInterop(t *testing.T, source string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/interop.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, append([]byte("\n"), text...)) {
		t.Errorf("docs/interop.md does not show %s as it is", source)
	}
	return source
}

// TestInteropList has every Python use a list as docs/interop.md shows it.
func TestInteropList(t *testing.T) {
	for python, program := range ipctest.Pythons(t, firstWithThisList, shownInInterop(t, "testdata/job.py")) {
		t.Run(versionOf(python), func(t *testing.T) {
			name := ipctest.UniqueName()
			l, err := CreateShareableList(name, []any{"render", 0.25, nil}, nil)
			keepList(t, l, err)
			p := ipctest.StartCommand(t, program(name))
			p.Expect("['render', 0.25, None]")
			stop(t, p)
			if v, err := l.Get(1); v != 0.5 || err != nil {
				t.Error(v, err)
			}
			again, err := OpenShareableList(name, nil) // it is still there
			keepList(t, again, err)
		})
	}
}

func TestListOfPython38(t *testing.T) {
	found := false
	for python, peer := range ipctest.Pythons(t, firstWithSharedMemory, "testdata/peer.py") {
		if !strings.HasPrefix(versionOf(python), "3.8.") {
			continue
		}
		found = true
		name := ipctest.UniqueName()
		p := ipctest.StartCommand(t, peer())
		ask(t, p, "list "+name)
		_, err := OpenShareableList(name, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, "no ShareableList")
		tell(t, p, "unlinklist", "unlinked")
	}
	if !found {
		t.Skip("there is no Python 3.8")
	}
}

// Python gives a str as many bytes as it has characters, and cuts what is longer.
func TestTextThatPythonCut(t *testing.T) {
	for python, peer := range ipctest.Pythons(t, firstWithThisList, "testdata/peer.py") {
		t.Run(versionOf(python), func(t *testing.T) {
			p := ipctest.StartCommand(t, peer())
			name := ipctest.UniqueName()
			tell(t, p, "listof "+name+" aüüüüüü,üüüüüüü,text", "3")
			l, err := OpenShareableList(name, nil)
			keepList(t, l, err)
			_, err = l.Get(0)
			ipctest.WantError(t, err, breezeway.ErrMismatch, "element 0", "UTF-8")
			for i, want := range map[int]string{1: "üüüü", 2: "text"} {
				if v, err := l.Get(i); v != want || err != nil {
					t.Errorf("element %d: %q, %v, want %q", i, v, err, want)
				}
			}
			tell(t, p, "unlinklist", "unlinked")
		})
	}
}

// TestInteropProgram runs the program that docs/interop.md shows, and checks that it
// shows this one.
func TestInteropProgram(t *testing.T) {
	for python, program := range numpys(t, shownInInterop(t, "testdata/matrix.py")) {
		t.Run(versionOf(python), func(t *testing.T) {
			a, err := CreateArray[int32](ipctest.UniqueName(), []int{2, 2}, nil)
			keepArray(t, a, err)
			twice := func(how ...string) (name string) {
				name = ipctest.UniqueName()
				copy(a.Data(), []int32{1, 2, 3, 4})
				p := ipctest.StartCommand(t, program(append([]string{a.Segment().Name(), name}, how...)...))
				p.Expect("[[2, 4], [6, 8]]")
				stop(t, p)
				if !slices.Equal(a.Data(), make([]int32, 4)) {
					t.Error(a.Data())
				}
				return name
			}
			_, err = shm.Open(twice(), nil) // Python removes on exit what it has created
			ipctest.WantError(t, err, os.ErrNotExist)
			kept := twice("keep")
			defer removeIfThere(t, kept)
			theirs, err := OpenArray[int32](kept, []int{2, 2}, nil)
			keepArray(t, theirs, err)
			if !slices.Equal(theirs.Data(), []int32{2, 4, 6, 8}) {
				t.Error(theirs.Data())
			}
			again, err := OpenArray[int32](a.Segment().Name(), nil, nil) // it is still there
			keepArray(t, again, err)
		})
	}
}
