package cli

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestServePython(t *testing.T) {
	client := ipctest.Python(t, "../../pipe/testdata/client.py")
	url := uniqueURL()
	server := served(t, url, "--lines", "--echo", "--count", "1")
	p := ipctest.StartCommand(t, client(strings.TrimPrefix(url, "pipe://")))
	expectText(t, server, "hello")
	p.Expect("hello")
	expectEnd(t, server, 0)
}

// TestPythonSegment reads and writes a segment that Python made.
func TestPythonSegment(t *testing.T) {
	python := ipctest.Python(t, "testdata/segment.py")
	name := fmt.Sprintf("psm_cli-%d", os.Getpid())
	url := "shm://" + name
	p := ipctest.StartCommand(t, python(name))
	p.Expect("ready")
	if got := succeed(t, "", "read", url, "--length", "5"); got != "hello" {
		t.Errorf("read %q", got)
	}
	if e := parse(t, succeed(t, "", "read", url, "--json")); e.Size != 64 {
		t.Errorf("%+v", e)
	}
	succeed(t, "", "write", url, "--offset", "5", " there")
	p.Say("")
	p.Expect(hex.EncodeToString([]byte("hello there\x00\x00\x00\x00\x00")))
	p.CloseInput()
	if err := p.Wait(); err != nil {
		t.Errorf("%v; stderr: %s", err, p.Stderr())
	}
}
