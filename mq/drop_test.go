package mq

import (
	"fmt"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// FullDrop drops what makes room, and nothing else.
func TestFullDropDropsOnlyWhatMakesRoom(t *testing.T) {
	long := func(priority int) Outgoing { return Outgoing{Body: make([]byte, 1600), Priority: priority} }
	for _, c := range []struct {
		what      string
		lease     bool
		old, send int // priorities of the long messages
		want      error
		longs     int // that are there at the end, and
		dropped   int64
	}{
		{"leased", true, 0, 0, ErrFull, 0, 0},
		{"same priority", false, 0, 0, nil, 1, 1},
		{"higher", false, 0, 5, nil, 1, 1},
		{"lower", false, 5, 0, nil, 1, 1}, // the new one
	} {
		for _, before := range []int{0, 3} {
			t.Run(fmt.Sprint(c.what, " ", before), func(t *testing.T) {
				q := newQueue(t, &Config{Full: FullDrop, CapacityBytes: 2048, MaxMessage: 1600})
				for range before {
					mustSend(t, q, text("small", 0))
				}
				if c.lease {
					c.old = MaxPriority
				}
				mustSend(t, q, long(c.old))
				var d Delivery
				if c.lease {
					d = mustLease(t, q)
				}
				for range 10 {
					mustSend(t, q, text("small", 0))
				}
				if err := q.Send(t.Context(), long(c.send)); c.want == nil && err != nil {
					t.Fatal(err)
				} else if c.want != nil {
					ipctest.WantError(t, err, c.want)
				}
				if c.lease {
					if err := d.Ack(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				wantLen(t, q, before+10+c.longs)
				if st, err := q.Stats(t.Context()); err != nil || st.Dropped != c.dropped {
					t.Errorf("%+v, %v", st, err)
				}
				for q.length() > 0 {
					mustReceive(t, q)
				}
				wantEmpty(t, q)
				mustSend(t, q, long(0))
				mustReceive(t, q)
				wantEmpty(t, q)
			})
		}
	}
}
