package cli

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// state is what is known of an object: a row of ls, the table of stat, and the JSON of
// both. What is not known is left out; in the tables it is a ? if the kind has it.
type state struct {
	Owner       string           `json:"owner,omitempty"`
	Mode        string           `json:"mode,omitempty"` // permission bits in octal
	SDDL        string           `json:"sddl,omitempty"`
	State       string           `json:"state,omitempty"`
	Size        *int64           `json:"size,omitempty"`
	Value       *int             `json:"value,omitempty"`
	Max         *int             `json:"max,omitempty"`
	Holders     *int             `json:"holders,omitempty"`
	Connections *int             `json:"connections,omitempty"`
	Open        *int             `json:"open,omitempty"`
	Waiters     *int             `json:"waiters,omitempty"`
	Recoveries  *int64           `json:"recoveries,omitempty"`
	Recovered   bool             `json:"recovered,omitempty"`
	Stale       *bool            `json:"stale,omitempty"`
	Orphaned    *bool            `json:"orphaned,omitempty"`
	Processes   []process        `json:"processes,omitempty"`
	Address     string           `json:"address,omitempty"`
	Queue       map[string]int64 `json:"queue,omitempty"` // counts of a queue
	Modified    *time.Time       `json:"modified,omitempty"`

	columns []string // of stat's table: what a kind can have
	openMin int      // at least so many have it open
	more    bool     // there are, or may be, other processes than Processes
}

// process is one that serves, holds or has open an object.
type process struct {
	PID     int    `json:"pid"`
	Command string `json:"command,omitempty"`
}

// told returns n, or nil if it is below 0, which says that it is not known.
func told[T int | int64](n T) *T {
	if n < 0 {
		return nil
	}
	return &n
}

// setProcesses says which processes are known, of count in all; below 0 that is not
// known.
func (s *state) setProcesses(pids []int, count int) {
	for _, pid := range pids {
		s.Processes = append(s.Processes, process{pid, programOfProcess(pid)})
	}
	s.more = count < 0 || count > len(pids)
}

// setOpen says how many have it open; below 0 that is not known. It is orphaned if none
// has, unless it is the Windows kernel's, which goes with the last.
func (s *state) setOpen(n int) {
	s.Open = told(n)
	if orphaned := n == 0; n >= 0 && s.SDDL == "" {
		s.Orphaned = &orphaned
	}
}

// setRights says which permission bits it has. Without an owner they are not known.
func (s *state) setRights(owner string, mode fs.FileMode, sddl string) {
	s.Owner, s.SDDL = owner, sddl
	if owner != "" && sddl == "" {
		s.Mode = fmt.Sprintf("%04o", mode)
	}
}

// cell returns what a table shows in a column: ? for what is not known, - for what the
// kind doesn't have.
func (s *state) cell(column string) string {
	text := ""
	switch column {
	case "owner":
		text = s.Owner
	case "mode":
		text = s.Mode + s.SDDL
	case "state":
		text = s.stateCell()
	case "size":
		if s.Size != nil {
			text = size(*s.Size)
		}
	case "value":
		text = spelled(s.Value)
	case "max":
		text = spelled(s.Max)
	case "holders":
		text = spelled(s.Holders)
	case "connections":
		text = spelled(s.Connections)
	case "open":
		text = s.openCell()
	case "waiters":
		text = spelled(s.Waiters)
	case "recoveries":
		text = spelled(s.Recoveries)
	case "processes":
		text = s.processCell()
	case "address":
		text = printable(s.Address, "")
	case "modified":
		if s.Modified != nil {
			text = s.Modified.Format(time.RFC3339)
		}
	default:
		if n, ok := s.Queue[column]; ok {
			text = spelled(&n)
		}
	}
	switch {
	case text != "":
		return text
	case slices.Contains(s.columns, column):
		return "?"
	}
	return "-"
}

func spelled[T int | int64](n *T) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(int64(*n), 10)
}

func (s *state) stateCell() string {
	switch {
	case s.Orphaned != nil && *s.Orphaned && s.State != "":
		return s.State + ", orphaned"
	case s.Orphaned != nil && *s.Orphaned:
		return "orphaned"
	case s.State == "" && len(s.Processes) > 0:
		return "in use"
	}
	return s.State
}

func (s *state) openCell() string {
	if s.Open == nil && s.openMin > 0 {
		return fmt.Sprint(s.openMin, "+")
	}
	return spelled(s.Open)
}

// processCell names processes by program and number.
func (s *state) processCell() string {
	const most = 5
	var words []string
	for i, p := range s.Processes {
		if i == most {
			words = append(words, "…")
			break
		}
		words = append(words, fmt.Sprintf("%s[%d]", known(p.Command), p.PID))
	}
	switch {
	case s.more:
		words = append(words, "?")
	case len(words) == 0:
		return "-"
	}
	return strings.Join(words, " ")
}

// table is what stat shows to people.
func (s *state) table() string {
	var cells []string
	for _, c := range s.columns {
		cells = append(cells, s.cell(c))
	}
	text := table([][]string{s.columns, cells})
	if s.Recovered {
		text += "a process died holding it, and no later holder has marked as consistent what it protects\n"
	}
	return text
}

// rowColumns are the columns of ls besides the URL.
var rowColumns = []string{"owner", "mode", "state", "open", "waiters", "processes"}

// row is what ls shows to people. The size of memory is part of its state there.
func (s *state) row() []string {
	var cells []string
	for _, c := range rowColumns {
		text := s.cell(c)
		switch {
		case c == "state" && s.Size != nil && s.Orphaned != nil && *s.Orphaned:
			text = s.cell("size") + ", orphaned"
		case c == "state" && s.Size != nil:
			text = s.cell("size")
		case c == "open" && slices.Contains(s.columns, "connections"):
			text = s.cell("connections")
		}
		cells = append(cells, text)
	}
	return cells
}

func known(text string) string {
	if text == "" {
		return "?"
	}
	return text
}
