package cli

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// A server that closes while the client waits in its backlog, as C# servers do
// that serve one client.
func TestSendTellsOfLossInTheBacklog(t *testing.T) {
	url := uniqueURL()
	l := listen(t, url, nil)
	client := start(t, "send", url, "--json", "hello")
	// The kernel lists the listening socket, and each that waits behind it.
	for deadline := time.Now().Add(ipctest.Patience); ; time.Sleep(time.Millisecond) {
		sockets, err := os.ReadFile("/proc/net/unix")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(sockets), " "+l.Addr().String()+"\n") == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the client did not connect:\n%s", sockets)
		}
	}
	l.Close()
	expectLoss(t, client)
}
