//go:build killpoints

package socket

import (
	"os"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// Wherever one of the two is killed in a hand-over, clients are served by the other one,
// or by the next that listens.
func TestKillMatrix(t *testing.T) {
	for point, dies := range map[string]string{
		"listener offered":  "predecessor",
		"listener taken":    "predecessor",
		"listener received": "successor",
		"listener answered": "successor",
	} {
		t.Run(point, func(t *testing.T) {
			side, address := socketPath(t), socketPath(t)
			e := endpoint{network: "unix"}
			start := func(number string, mortal bool) *ipctest.Process {
				cmd := ipctest.HelperCommand(t, generation, "unix", address, side, number)
				if mortal {
					cmd.Env = append(cmd.Env, killpoint.Env+"="+point)
				}
				return ipctest.StartCommand(t, cmd)
			}
			first := start("1", dies == "predecessor")
			first.Hear()
			second := start("2", dies == "successor")
			victim := map[string]*ipctest.Process{"predecessor": first, "successor": second}[dies]
			victim.Wait()
			if status := victim.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
				t.Fatalf("%v; stderr: %s", victim.ProcessState, victim.Stderr())
			}
			alive := first
			if dies == "predecessor" {
				alive = second
				second.Hear()
			}
			// One that has answered had the listener: it died as any server does.
			if point != "listener answered" {
				if err := askOnce(t, e, address); err != nil {
					t.Error(err)
				}
				if c := mustDial(t, e.network, address, nil); c.Peer().PID != alive.Process.Pid {
					t.Errorf("clients find process %d, not %d", c.Peer().PID, alive.Process.Pid)
				}
			}
			third := start("3", false)
			if got := third.Hear(); got != address {
				t.Errorf("%q", got)
			}
			if err := askOnce(t, e, address); err != nil {
				t.Error(err)
			}
			third.CloseInput()
			third.Wait()
			for _, path := range []string{side, address} {
				if _, err := os.Lstat(path); err == nil {
					t.Errorf("%s was left", path)
				}
			}
		})
	}
}

// stops are where the two may be while the predecessor is closed.
var stops = []string{"successor met", "listener offered", "listener received", "listener answered", "listener taken"}

// Wherever the two are when the predecessor is closed, the successor has a listener that
// serves and that can be handed over.
func TestCloseAtEachPoint(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		for _, point := range stops {
			t.Run(network+" "+point, func(t *testing.T) {
				address := freeAddress(t, network)
				cfg := &Config{HandOver: socketPath(t)}
				first, err := Listen(network, address, cfg)
				if err != nil {
					t.Fatal(err)
				}
				there, onward := make(chan struct{}), make(chan struct{})
				killpoint.Stall(point, func() {
					close(there)
					<-onward
				})
				came := make(chan *Listener)
				go func() {
					l, err := Listen(network, address, cfg)
					if err != nil {
						t.Error(err)
					}
					came <- l
				}()
				<-there
				closed := make(chan error)
				go func() { closed <- first.Close() }()
				<-first.arrivals.Done()
				close(onward)
				if err := <-closed; err != nil {
					t.Error(err)
				}
				if second := <-came; second != nil {
					serves(t, second, address)
					succeeds(t, second, address)
				}
			})
		}
	}
}

// A successor that is killed while the predecessor, which has made it the offer, closes
// leaves nothing behind.
func TestSuccessorKilledDuringClose(t *testing.T) {
	for _, point := range []string{"listener received", "listener answered"} {
		t.Run(point, func(t *testing.T) {
			address := socketPath(t)
			cfg := &Config{HandOver: socketPath(t)}
			first, err := Listen("unix", address, cfg)
			if err != nil {
				t.Fatal(err)
			}
			there, onward := make(chan struct{}), make(chan struct{})
			killpoint.Stall("listener offered", func() {
				close(there)
				<-onward
			})
			cmd := ipctest.HelperCommand(t, generation, "unix", address, cfg.HandOver, "2")
			cmd.Env = append(cmd.Env, killpoint.Env+"="+point)
			second := ipctest.StartCommand(t, cmd)
			<-there
			closed := make(chan error)
			go func() { closed <- first.Close() }()
			<-first.arrivals.Done()
			second.Wait()
			close(onward)
			if err := <-closed; err != nil {
				t.Error(err)
			}
			third, err := Listen("unix", address, cfg)
			if err != nil {
				t.Fatal(err)
			}
			serves(t, third, address)
			succeeds(t, third, address)
		})
	}
}
