package cli

import (
	"strings"
	"testing"
)

// On a terminal a line shows how far the run is, and is gone at its end. Ctrl-C, which
// the terminal sends to all processes of the run, ends it.
func TestBenchShowsProgress(t *testing.T) {
	cmd := ipc(t, quickly...)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	tt := onTerminal(t, cmd)
	tt.expect("1 of ")
	tt.expect("anon, 8 B")
	tt.expect(eraseLine + "transport")
	if rest := tt.rest(0); !strings.Contains(rest, "The limit") {
		t.Errorf("it showed %q", rest)
	}

	cmd = ipc(t, "bench", "--time", "1m")
	cmd.Env = append(cmd.Env, "TERM=xterm")
	tt = onTerminal(t, cmd)
	tt.expect("1 of ")
	tt.typeIn("\x03")
	tt.rest(exitSignal + 2)
	if left := benchDirectories(); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}
