package bench_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

// toil is how long the toiler keeps a processor busy per request.
const toil = 2 * time.Millisecond

// toiler answers "toil" after some work, and anything else at once.
var toiler = ipctest.Helper("toiler", func(c *ipctest.Control) error {
	for {
		request := c.Hear()
		if request == "toil" {
			for end := sys.Clock() + toil; sys.Clock() < end; {
			}
		}
		c.Say("done")
	}
})

// TestTwoProcesses compares two requests to a real process, one of which makes
// it work.
func TestTwoProcesses(t *testing.T) {
	p := ipctest.Start(t, toiler)
	pid := p.Cmd.Process.Pid
	request := func(text string) bench.Contender {
		return bench.Contender{Name: text, Bytes: 4, PeerPID: pid, Run: func(n int) error {
			for range n {
				p.Say(text)
				if got := p.Hear(); got != "done" {
					return fmt.Errorf("the toiler said %q", got)
				}
			}
			return nil
		}}
	}
	r, err := bench.Compare(context.Background(), request("toil"), request("rest"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", r)
	if r.Ratio.Median <= 1 || r.Subject.PerOp.Min < float64(toil) {
		t.Errorf("working takes %.2f of the time of resting, %v ns at least", r.Ratio.Median, r.Subject.PerOp.Min)
	}
	if r.Baseline.P50 == 0 || r.Baseline.P99 < r.Baseline.P50 || r.Baseline.P999 < r.Baseline.P99 || r.Baseline.Max < r.Baseline.P999 {
		t.Errorf("latencies %+v", r.Baseline)
	}
	if _, err := sys.CPUTime(pid); errors.Is(err, errors.ErrUnsupported) {
		t.Logf("the peer's CPU time is not checked: %v", err)
		return
	}
	if ipctest.UnderWine() {
		t.Log("the peer's CPU time is not checked: Wine's GetProcessTimes tells that of the caller, whatever process it is asked for")
		return
	}
	// On a busy machine the toiler gets a part of the time only.
	if r.Subject.PeerCPU < float64(toil)/20 {
		t.Errorf("the peer worked %v at each request, and is said to have used %v ns of CPU time", toil, r.Subject.PeerCPU)
	}
}

func TestCPUTimeOfDeadProcess(t *testing.T) {
	p := ipctest.Start(t, toiler)
	pid := p.Cmd.Process.Pid
	if _, err := sys.CPUTime(pid); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("while it lives: %v", err)
	}
	p.Kill()
	_, err := sys.CPUTime(pid)
	switch {
	case errors.Is(err, os.ErrProcessDone), errors.Is(err, errors.ErrUnsupported):
	case err == nil && runtime.GOOS == "windows": // an open handle keeps the figures
	default:
		t.Errorf("after it was killed: %v", err)
	}
}
