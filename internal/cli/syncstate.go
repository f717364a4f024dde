package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// syncState is the state of a semaphore, a lock, an event or the like.
type syncState struct{ ipcsync.Stats }

// syncStat is its JSON.
type syncStat struct {
	statHeader
	ipcsync.Stats
}

func (s syncState) json(header statHeader) any { return syncStat{header, s.Stats} }

func (s syncState) table() string {
	number := func(n int64) string {
		if n < 0 {
			return "-"
		}
		return strconv.FormatInt(n, 10)
	}
	pids := "-"
	if len(s.PIDs) > 0 {
		pids = strings.Trim(fmt.Sprint(s.PIDs), "[]")
	}
	text := table([][]string{
		{"value", "max", "holders", "waiters", "recoveries", "pids"},
		{number(int64(s.Value)), number(int64(s.Max)), number(int64(s.Holders)), number(int64(s.Waiters)), number(s.Recoveries), pids},
	})
	if s.Recovered {
		text += "a process died holding it, and no later holder has marked as consistent what it protects\n"
	}
	return text
}
