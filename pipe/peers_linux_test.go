package pipe

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestPython(t *testing.T) {
	program := ipctest.Python(t, "testdata/peer.py")
	ipctest.RunPeerTests(t, program, peerTests()...)

	t.Run("half close", func(t *testing.T) {
		p := ipctest.StartCommand(t, program())
		conn := meetServer(t, p, ipctest.UniqueName(), "InOut", nil)
		do(t, p, "a line question", "a half-close")
		if got, err := io.ReadAll(conn); err != nil || string(got) != "question\n" {
			t.Fatalf("read %q, %v", got, err)
		}
		say(t, conn, "answer")
		expect(t, p, "a readline", "line answer")
	})
	t.Run("no theft", func(t *testing.T) {
		l, p := listenFor(t, ipctest.UniqueName(), nil), ipctest.StartCommand(t, program())
		p.Say("a listen " + l.name + " InOut")
		expectPrefix(t, p, "error: OSError: [Errno 98]")
		do(t, p, "b connect "+l.name+" InOut") // still reaches us
		accept(t, l, p)
	})
}

// TestInteropPrograms runs the programs that docs/interop.md shows. TestDotNet runs
// those in C#.
func TestInteropPrograms(t *testing.T) {
	everyPython := func(t *testing.T, source string, run func(*testing.T, ipctest.Program)) {
		const least = 6 // Python 3.6
		for python, program := range ipctest.Pythons(t, least, source) {
			t.Run(filepath.Base(filepath.Dir(filepath.Dir(python))), func(t *testing.T) { run(t, program) })
		}
	}
	t.Run("Python client", func(t *testing.T) { everyPython(t, "testdata/client.py", testShownClient) })
	t.Run("Python server", func(t *testing.T) { everyPython(t, "testdata/server.py", testShownServer) })
	t.Run("C client", func(t *testing.T) { testShownClient(t, ipctest.C(t, "testdata/client.c")) })
	t.Run("shell client", func(t *testing.T) { testShownClient(t, ipctest.Shell(t, "testdata/client.sh", "socat")) })
}
