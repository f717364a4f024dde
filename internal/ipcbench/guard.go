package ipcbench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// guardPace is how often the guard tries to remove what is still in use.
const guardPace = 20 * time.Millisecond

// GuardVerb is the first argument of a process that [Run] starts, and that does nothing
// but wait for the end of Run's process. Between two rows there is no peer to do that.
const GuardVerb = "bench-guard"

// guard removes what a run has made if the run's process is killed.
type guard struct {
	cmd  *exec.Cmd
	life io.WriteCloser // its input
}

func startGuard(dir string) (*guard, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &guard{cmd: exec.Command(exe, GuardVerb, dir)}
	if g.life, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return g, g.cmd.Start()
}

// release ends the guard, which sweeps.
func (g *guard) release() {
	g.life.Close()
	g.cmd.Wait()
}

// Guard makes this process the guard of a run.
func Guard(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes a directory", GuardVerb)
	}
	ignoreSignals()
	io.Copy(io.Discard, os.Stdin)
	// On Windows a file can't be removed while a peer, which ends now too, maps it.
	for range patience / guardPace {
		sweep(args[0])
		if _, err := os.Stat(args[0]); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(guardPace)
	}
	return nil
}
