package demo

import (
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// Processes whose Run is killed end too.
func TestProcessesEndWithRun(t *testing.T) {
	var server *pipe.Conn
	p := runUntil(t, "sleeper", func(e Event) bool {
		if e.Process == "server" {
			server = connect(t, e.Text)
		}
		return e.Process == "client" && e.Text == strconv.Itoa(e.PID)
	})
	p.Kill()
	expectDeath(t, server)
}
