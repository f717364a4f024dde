package cli

import (
	"fmt"
	"math"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// syncState is the state of a semaphore, a lock, an event or the like.
type syncState struct {
	kind ipcsync.Kind
	ipcsync.Stats
}

// syncStat is its JSON.
type syncStat struct {
	statHeader
	ipcsync.Stats
	Mode string `json:"mode,omitempty"`
}

func (s syncState) json(header statHeader) any { return syncStat{header, s.Stats, s.mode()} }

func (s syncState) mode() string {
	if s.Owner == "" {
		return ""
	}
	return fmt.Sprintf("%04o", s.Mode)
}

func (s syncState) summary() summary {
	text := "free"
	switch {
	case s.kind == ipcsync.KindSemaphore && s.Max == math.MaxInt32:
		text = fmt.Sprint(s.Value, " left")
	case s.kind == ipcsync.KindSemaphore:
		text = fmt.Sprintf("%d of %d left", s.Value, s.Max)
	case s.kind == ipcsync.KindCond:
		text = ""
	case s.kind == ipcsync.KindEvent && s.Value == 1:
		text = "set"
	case s.kind == ipcsync.KindEvent:
		text = "not set"
	case s.kind == ipcsync.KindBarrier && s.Value == 1:
		text = fmt.Sprint("for ", s.Max)
	case s.kind == ipcsync.KindBarrier:
		text = "broken"
	case s.Recovered:
		text = "recovered"
	case s.Value == 0:
		text = "locked"
	}
	return summary{owner: s.Owner, mode: s.mode(), state: text, waiting: s.Waiters, pids: s.PIDs}
}

func (s syncState) table() string {
	text := table([][]string{
		{"value", "max", "holders", "waiters", "recoveries", "pids"},
		{numberOrDash(int64(s.Value)), numberOrDash(int64(s.Max)), numberOrDash(int64(s.Holders)), numberOrDash(int64(s.Waiters)), numberOrDash(s.Recoveries), pidsOrDash(s.PIDs)},
	})
	if s.Recovered {
		text += "a process died holding it, and no later holder has marked as consistent what it protects\n"
	}
	return text
}
