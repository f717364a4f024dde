//go:build linux || windows

package shm

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

func TestDotNet(t *testing.T) {
	ipctest.TestCSharp(t, "testdata/peer.cs",
		ipctest.PeerTest{Name: "ours", Run: testDotNetOpens},
		ipctest.PeerTest{Name: "theirs", Run: testDotNetCreates},
	)
}

// TestInteropCSharp runs the C# program that docs/interop.md shows.
func TestInteropCSharp(t *testing.T) {
	ipctest.TestCSharp(t, "testdata/attach.cs", ipctest.PeerTest{Name: "attach", Run: testShownAttach})
}

const dotnetSize = 80_000

func testDotNetOpens(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	seg := mustCreate(t, dotnetSize, nil)
	tell(t, p, "open "+seg.Name(), "opened")
	shareWithDotNet(t, p, seg)
}

func testDotNetCreates(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	name := ipctest.UniqueName()
	tell(t, p, fmt.Sprint("create ", name, " ", dotnetSize), "created")
	defer removeIfThere(t, name)
	seg, err := Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, seg)
	if n := seg.Len(); n != dotnetSize && (runtime.GOOS != "windows" || n < dotnetSize) { // rounded to a page there
		t.Errorf("%d bytes", n)
	}
	shareWithDotNet(t, p, seg)
}

// shareWithDotNet exchanges numbers, text and 70,000 bytes with p, which has seg open.
func shareWithDotNet(t *testing.T, p *ipctest.Process, seg *Segment) {
	t.Helper()
	tell(t, p, "put 100 -123456789012345", "put")
	if v, err := mmap.Read[int64](seg.Mapping, 100); v != -123456789012345 || err != nil {
		t.Error(v, err)
	}
	if err := mmap.Write(seg.Mapping, 3, int64(42)); err != nil {
		t.Fatal(err)
	}
	tell(t, p, "get 3", "42")

	const hello = "안녕하세요"
	tell(t, p, "puttext 200 "+hello, "put")
	if got := text(t, seg, 200, len(hello)); got != hello {
		t.Errorf("%q", got)
	}
	if _, err := seg.WriteAt([]byte("반갑습니다"), 300); err != nil {
		t.Fatal(err)
	}
	tell(t, p, fmt.Sprint("gettext 300 ", len("반갑습니다")), "반갑습니다")

	want := make([]byte, 70_000)
	for i := range want {
		want[i] = byte(i % 251)
	}
	tell(t, p, fmt.Sprint("fill 1000 ", len(want)), "filled")
	if got := text(t, seg, 1000, len(want)); !bytes.Equal([]byte(got), want) {
		t.Error("what .NET wrote arrived differently")
	}
	tell(t, p, "close", "closed")
}

// testShownAttach runs a program that docs/interop.md shows: it prints the first number of
// our segment and sets the second.
func testShownAttach(t *testing.T, program ipctest.Program) {
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
