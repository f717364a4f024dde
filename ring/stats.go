package ring

import "github.com/breezeway-ipc/breezeway"

// Stats is the state of a ring a moment ago.
type Stats struct {
	Shape      Shape `json:"shape"`
	Slow       Slow  `json:"slow"`
	Typed      bool  `json:"typed"`       // a Ring, rather than a Bytes
	MaxMessage int   `json:"max_message"` // bytes

	Capacity int64 `json:"capacity"` // bytes, with 8 for each message and what fills its last 64
	Used     int64 `json:"used"`     // bytes that the slowest receiver has not given back

	Senders   int             `json:"senders"` // -1: the ring has many to one, and doesn't count them
	Receivers []ReceiverStats `json:"receivers"`
	Recovered int64           `json:"recovered"` // messages of dead senders that were passed over
	Waiters   int             `json:"waiters"`   // goroutines that wait, in all processes
}

// ReceiverStats is the state of one receiver.
type ReceiverStats struct {
	PID          int   `json:"pid"` // 0: its process is dead, or there is none
	Behind       int64 `json:"behind"`
	Skipped      int64 `json:"skipped"`
	Disconnected bool  `json:"disconnected"`
}

// stats returns the state of the ring.
func (c *core) stats() (st Stats, err error) {
	if c.isZero() {
		return st, c.fail(breezeway.OpStat, nil)
	}
	err = c.o.Use(func() error {
		f := &c.made
		st = Stats{
			Shape: Shape(f.Shape), Slow: Slow(f.Slow), Typed: !f.variable(), MaxMessage: f.maxMessage(),
			Capacity: int64(f.Cells) * int64(f.CellSize), Recovered: c.lock.Recoveries().Load(), Senders: -1,
		}
		tail := c.h.tail.Load()
		for i := range c.lines {
			if err := c.lineStats(&st, i, tail); err != nil {
				return err
			}
		}
		if Shape(f.Shape) != ManyToOne {
			pid, _, err := c.sender.Holder(c.h.sender.Load())
			if err != nil {
				return err
			}
			st.Senders = min(pid, 1)
		}
		st.Waiters, err = c.o.Waiters()
		return err
	})
	return st, c.fail(breezeway.OpStat, err)
}

// lineStats adds the state of a receiver.
func (c *core) lineStats(st *Stats, i int, tail uint64) error {
	l := &c.lines[i]
	pid, held, err := c.owners[i].Holder(l.receiver.Load())
	if err != nil || !held && Shape(c.made.Shape) == Broadcast {
		return err
	}
	cursor := l.cursor.Load()
	behind := int64(min(tail-cursor>>cursorShift, c.made.Cells)) * int64(c.made.CellSize)
	st.Used = max(st.Used, behind)
	if held {
		st.Receivers = append(st.Receivers, ReceiverStats{pid, behind, int64(l.skipped.Load()), cursor&isGone != 0})
	}
	return nil
}
