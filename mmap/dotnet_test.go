//go:build linux || windows

package mmap

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// A MemoryMappedFile of a file is the memory that our mapping of that file is.
func TestDotNet(t *testing.T) {
	ipctest.TestCSharp(t, "../shm/testdata/peer.cs", ipctest.PeerTest{Name: "file", Run: testDotNetMaps})
}

func testDotNetMaps(t *testing.T, program ipctest.Program) {
	const size = 80_000
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	m, err := Map(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p := ipctest.StartCommand(t, program())
	ask := func(command, answer string) {
		t.Helper()
		p.Say(command)
		if got := p.Hear(); got != answer {
			t.Fatalf("%s: %q, want %q", command, got, answer)
		}
	}
	ask("map "+f.Name(), "mapped")
	ask("put 100 -123456789012345", "put")
	if v, err := Read[int64](m, 100); v != -123456789012345 || err != nil {
		t.Error(v, err)
	}
	const hello = "안녕하세요"
	if _, err := m.WriteAt([]byte(hello), 200); err != nil {
		t.Fatal(err)
	}
	ask(fmt.Sprint("gettext 200 ", len(hello)), hello)
	ask("close", "closed")
}
