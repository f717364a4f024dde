package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/breezeway-ipc/breezeway/shm"
)

// memoryState is the state of a value in shared memory.
type memoryState struct{ shm.Info }

// memoryStat is its JSON.
type memoryStat struct {
	statHeader
	Size     int64     `json:"size"`
	Owner    string    `json:"owner,omitempty"`
	Mode     string    `json:"mode"`
	Modified time.Time `json:"modified"`
}

func (s memoryState) mode() string { return fmt.Sprintf("%04o", s.Mode) }

func (s memoryState) summary() summary {
	return summary{owner: s.Owner, mode: s.mode(), state: size(s.Size), waiting: -1}
}

func (s memoryState) json(header statHeader) any {
	return memoryStat{header, s.Size, s.Owner, s.mode(), s.Modified}
}

func (s memoryState) table() string {
	return table([][]string{
		{"size", "owner", "mode", "modified"},
		{strconv.FormatInt(s.Size, 10), orDash(s.Owner), s.mode(), s.Modified.Format(time.RFC3339)},
	})
}
