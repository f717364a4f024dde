package cli

import (
	"fmt"
	"math"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// statSync makes stat of a row.
func statSync(kind ipcsync.Kind) func(target, accessRule) (*state, error) {
	return func(t target, r accessRule) (*state, error) {
		stats, err := ipcsync.Stat(kind, t.name, r.syncConfig())
		return syncState(kind, stats), err
	}
}

// listSync makes list of a row.
func listSync(kind ipcsync.Kind) func(string) ([]found, error) {
	return func(string) (all []found, err error) {
		names, err := ipcsync.List(kind, nil)
		for _, n := range names {
			all = append(all, found{name: n})
		}
		return all, err
	}
}

// syncColumns are the columns of stat's table.
var syncColumns = map[ipcsync.Kind][]string{
	ipcsync.KindSemaphore: {"value", "max", "holders", "open", "waiters", "recoveries", "owner", "mode", "processes"},
	ipcsync.KindMutex:     lockColumns,
	ipcsync.KindRWMutex:   lockColumns,
	ipcsync.KindLeader:    lockColumns,
	ipcsync.KindEvent:     {"state", "open", "waiters", "owner", "mode"},
	ipcsync.KindBarrier:   {"state", "max", "open", "waiters", "recoveries", "owner", "mode"},
	ipcsync.KindCond:      {"open", "waiters", "owner", "mode"},
}

var lockColumns = []string{"state", "holders", "open", "waiters", "recoveries", "owner", "mode", "processes"}

func syncState(kind ipcsync.Kind, is ipcsync.Stats) *state {
	s := &state{
		State:      stateOf(kind, is),
		Value:      told(is.Value),
		Max:        told(is.Max),
		Holders:    told(is.Holders),
		Waiters:    told(is.Waiters),
		Recoveries: told(is.Recoveries),
		Recovered:  is.Recovered,
		columns:    syncColumns[kind],
	}
	s.setRights(is.Owner, is.Mode, is.SDDL)
	s.setProcesses(is.PIDs, is.Holders)
	s.setOpen(is.Open)
	return s
}

// stateOf returns the state in words, "" if it is not known.
func stateOf(kind ipcsync.Kind, s ipcsync.Stats) string {
	switch {
	case s.Value < 0 || kind == ipcsync.KindCond:
		return ""
	case kind == ipcsync.KindSemaphore && s.Max == math.MaxInt32:
		return fmt.Sprint(s.Value, " left")
	case kind == ipcsync.KindSemaphore:
		return fmt.Sprintf("%d of %d left", s.Value, s.Max)
	case kind == ipcsync.KindEvent && s.Value == 1:
		return "set"
	case kind == ipcsync.KindEvent:
		return "not set"
	case kind == ipcsync.KindBarrier && s.Value == 1:
		return fmt.Sprint("for ", s.Max)
	case kind == ipcsync.KindBarrier:
		return "broken"
	case s.Recovered:
		return "recovered"
	case s.Value == 0:
		return "locked"
	}
	return "free"
}
