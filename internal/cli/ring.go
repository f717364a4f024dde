package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/ring"
)

// The calls of the command into package ring.

func createRing(c *creator, t target, r accessRule) (io.Closer, error) {
	cfg := &ring.Config{
		Mode: r.mode, Allow: r.allow, Trust: r.trust,
		CapacityBytes: int64(c.capacityBytes), Receivers: c.receivers,
	}
	var err error
	if cfg.Shape, err = valueOf("shape", c.shape, ring.OneToOne, ring.ManyToOne, ring.Broadcast); err != nil {
		return nil, err
	}
	if cfg.Slow, err = valueOf("slow", c.slow, ring.SlowBlock, ring.SlowSkip, ring.SlowDisconnect); err != nil {
		return nil, err
	}
	if cfg.Shape != ring.Broadcast && (cfg.Slow != 0 || c.receivers != 0) {
		return nil, usagef("--slow and --receivers are for --shape broadcast")
	}
	if most := 4096; c.receivers < 0 || c.receivers > most {
		return nil, usagef("--receivers is %d; give 1 to %d", c.receivers, most)
	}
	return ring.CreateBytes(t.name, cfg)
}

func openRing(t target, r accessRule, _ int) (mq.Queue, error) {
	url, err := t.urlWith(accessFlags{trust: r.trust}, tlsFlags{})
	if err != nil {
		return nil, err
	}
	return endpoint.OpenQueue(context.Background(), url)
}

// awaitRing becomes the receiver of a ring, or one of several.
func awaitRing(t target, r accessRule) (awaitable, error) {
	b, err := ring.OpenBytes(t.name, &ring.Config{Trust: r.trust})
	if err != nil {
		return nil, err
	}
	in, err := b.Receiver()
	if err != nil {
		b.Close()
		return nil, err
	}
	return awaitedQueue{b, in}, nil
}

func removeRing(t target, r accessRule) error {
	return ring.Remove(t.name, &ring.Config{Trust: r.trust})
}

func listRings(string) (all []found, err error) {
	names, err := ring.List(nil)
	for _, n := range names {
		all = append(all, found{name: n})
	}
	return all, err
}

// ringColumns are the columns of stat's table.
var ringColumns = []string{"state", "bytes", "recoveries", "waiters", "owner", "mode"}

func statRing(t target, r accessRule) (*state, error) {
	st, err := ring.Stat(t.name, &ring.Config{Trust: r.trust})
	if err != nil {
		return nil, err
	}
	s := &state{
		State: st.Shape.String(), Waiters: told(st.Waiters), Recoveries: told(st.Recovered), columns: ringColumns,
		Queue: map[string]int64{"bytes": st.Used, "capacity_bytes": st.Capacity, "max_message": int64(st.MaxMessage)},
	}
	var pids []int
	for _, receiver := range st.Receivers {
		if receiver.PID != 0 {
			pids = append(pids, receiver.PID)
		}
		s.Queue["skipped"] += receiver.Skipped
	}
	s.State += fmt.Sprintf(", %s", counted(len(pids), "receiver"))
	path, err := object.Path("ring", t.name, breezeway.Session)
	if err != nil {
		return nil, err
	}
	if info, err := object.Stat(path, t.name); err == nil {
		s.setRights(info.Owner, info.Mode, "")
	}
	return s, nil
}

// counted returns a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
