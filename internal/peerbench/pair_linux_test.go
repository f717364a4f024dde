package peerbench

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// traffic is what two processes do in a comparison.
type traffic struct {
	oneWay bool
	whole  bool // every byte is copied in and out, not one of each cache line; for oneWay
	spins  bool // receivers look again and again; else they sleep
	size   int
}

func (t traffic) String() string {
	return fmt.Sprintf("%s/%s/%d", t.way(), t.wait(), t.size)
}

func (t traffic) way() string {
	switch {
	case t.whole:
		return "whole"
	case t.oneWay:
		return "way"
	}
	return "trip"
}

func (t traffic) wait() string {
	if t.spins {
		return "spin"
	}
	return "park"
}

func (t traffic) args(name string) []string {
	return []string{t.way(), t.wait(), strconv.Itoa(t.size), name}
}

func parseTraffic(args []string) (traffic, error) {
	size, err := strconv.Atoi(args[2])
	return traffic{oneWay: args[0] != "trip", whole: args[0] == "whole", spins: args[1] == "spin", size: size}, err
}

// pair starts two processes, and returns the contender that they are. What needs to be
// compiled for it was compiled before.
type pair func(t testing.TB, what traffic) bench.Contender

// The sizes of messages. -short is for a look whether it works.
func sizes() []int {
	if testing.Short() {
		return []int{64}
	}
	return []int{8, 64, 1 << 10, 4 << 10, 64 << 10, 1 << 20}
}

// versus holds ours against theirs at every size, in the given ways and waits, while a
// bounced cache line shows that the machine stays the same.
func versus(b *testing.B, ours, theirs pair, kinds ...traffic) {
	bouncing := bounce(b)
	for _, what := range kinds {
		for _, what.size = range sizes() {
			b.Run(what.String(), func(b *testing.B) {
				limit := bouncing(b, traffic{spins: true, size: 8})
				ipctest.CompareWith(b, ours(b, what), theirs(b, what), bench.Config{Limit: &limit})
			})
		}
	}
}

// works moves a few messages of the smallest and of the largest size, as its benchmark
// moves many.
func works(t *testing.T, peer pair, kinds ...traffic) {
	for _, what := range kinds {
		for _, what.size = range []int{8, 1 << 20} {
			t.Run(what.String(), func(t *testing.T) {
				run := peer(t, what).Run
				for range 3 {
					if err := run(100); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

var (
	tripParked   = traffic{}
	tripSpinning = traffic{spins: true}
	wayParked    = traffic{oneWay: true}
	waySpinning  = traffic{oneWay: true, spins: true}
	every        = []traffic{tripParked, tripSpinning, wayParked, waySpinning}
)

// driven is a contender whose operations the process performs, as many as each line says
// that it is told.
func driven(name string, size int, p *ipctest.Process) bench.Contender {
	p.Expect("ready")
	return bench.Contender{Name: name, Stream: true, Bytes: size, PeerPID: p.Process.Pid, Run: func(n int) error {
		p.Say(strconv.Itoa(n))
		if answer := p.Hear(); answer != "done" {
			return fmt.Errorf("%s says %q; on its standard error: %s", name, answer, p.Stderr())
		}
		return nil
	}}
}

// program is a pair that is a program with its second process.
func program(t testing.TB, name string, p ipctest.Program, what traffic, object string) bench.Contender {
	t.Helper()
	return driven(name, what.size, ipctest.StartCommand(t, p(what.args(object)...)))
}
