package cli

import (
	"context"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mq"
)

// queueColumns are the columns of stat's table.
var queueColumns = []string{
	"state", "leased", "delayed", "bytes", "sent", "received", "acknowledged", "redelivered",
	"expired", "dropped", "dead_lettered", "damaged", "recoveries", "waiters",
	"owner", "mode",
}

// kernelQueueColumns are those of the kernel's queues, which count little.
var kernelQueueColumns = []string{"state", "bytes", "owner", "mode", "modified"}

func statQueue(t target, r accessRule) (*state, error) {
	st, err := mq.Stat(t.queueName(), &mq.Config{Trust: r.trust})
	if err != nil {
		return nil, err
	}
	s := queueState(st)
	s.columns = queueColumns
	path := t.queueName()
	if !t.isRooted() {
		if path, err = object.Path("mq", t.name, breezeway.Session); err != nil {
			return nil, err
		}
	}
	if info, err := object.Stat(path, t.name); err == nil {
		s.setRights(info.Owner, info.Mode, "")
	}
	return s, nil
}

func listQueues(string) (all []found, err error) {
	names, err := mq.List(nil)
	for _, n := range names {
		all = append(all, found{name: n})
	}
	return all, err
}

// listDurableQueues lists a directory.
func listDurableQueues(dir string) (all []found, err error) {
	paths, err := mq.ListDurable(dir, nil)
	for _, p := range paths {
		all = append(all, found{name: p})
	}
	return all, err
}

func listPOSIXQueues(string) (all []found, err error) {
	infos, err := mq.ListPOSIX()
	for _, i := range infos {
		s := queueState(mq.Stats{Messages: i.Messages, Bytes: i.Bytes, Capacity: i.Capacity, MaxMessage: i.MaxMessage,
			CapacityBytes: -1, Leased: -1, Delayed: -1, Sent: -1, Received: -1, Acknowledged: -1, Redelivered: -1,
			Expired: -1, Dropped: -1, DeadLettered: -1, Damaged: -1, Recoveries: -1, Waiters: -1})
		s.columns = kernelQueueColumns
		s.setRights(i.Owner, i.Mode, "")
		s.Modified = &i.Modified
		all = append(all, found{i.Name, s})
	}
	return all, err
}

// listSystemVQueues leaves out the queues without a key: no URL names them.
func listSystemVQueues(string) (all []found, err error) {
	infos, err := mq.ListSystemV()
	for _, i := range infos {
		if i.Key == 0 {
			continue
		}
		s := queueState(mq.Stats{Messages: i.Messages, Bytes: i.Bytes, Capacity: -1, MaxMessage: -1,
			CapacityBytes: -1, Leased: -1, Delayed: -1, Sent: -1, Received: -1, Acknowledged: -1, Redelivered: -1,
			Expired: -1, Dropped: -1, DeadLettered: -1, Damaged: -1, Recoveries: -1, Waiters: -1})
		s.columns = kernelQueueColumns
		s.setRights(i.Owner, i.Mode, "")
		if !i.Modified.IsZero() {
			s.Modified = &i.Modified
		}
		all = append(all, found{i.Name(), s})
	}
	return all, err
}

// statKernelQueue makes stat of a row: what the queue tells, and of its rights what the
// list does.
func statKernelQueue(open func(target, accessRule, int) (mq.Queue, error), list func(string) ([]found, error)) func(target, accessRule) (*state, error) {
	return func(t target, r accessRule) (*state, error) {
		q, err := open(t, r, 0)
		if err != nil {
			return nil, err
		}
		defer q.Close()
		st, err := q.Stats(context.Background())
		if err != nil {
			return nil, err
		}
		s := queueState(st)
		s.columns = kernelQueueColumns
		name := t.name
		if keyed, ok := q.(interface{ Key() uint32 }); ok {
			name = mq.SystemVInfo{Key: keyed.Key()}.Name()
		}
		all, _ := list(name) // the system may not have one
		for _, o := range all {
			if o.name == name {
				s.Owner, s.Mode, s.Modified = o.state.Owner, o.state.Mode, o.state.Modified
			}
		}
		return s, nil
	}
}

func queueState(st mq.Stats) *state {
	s := &state{Waiters: told(st.Waiters), Recoveries: told(st.Recoveries), Queue: map[string]int64{}}
	for name, n := range map[string]int64{
		"messages": int64(st.Messages), "leased": int64(st.Leased), "delayed": int64(st.Delayed), "bytes": st.Bytes,
		"capacity": int64(st.Capacity), "capacity_bytes": st.CapacityBytes, "max_message": int64(st.MaxMessage),
		"sent": st.Sent, "received": st.Received, "acknowledged": st.Acknowledged, "redelivered": st.Redelivered,
		"expired": st.Expired, "dropped": st.Dropped, "dead_lettered": st.DeadLettered, "damaged": st.Damaged,
	} {
		if n >= 0 {
			s.Queue[name] = n
		}
	}
	switch {
	case st.Messages >= 0 && st.Capacity > 0:
		s.State = fmt.Sprintf("%d of %d", st.Messages, st.Capacity)
	case st.Messages == 1:
		s.State = "1 message"
	case st.Messages >= 0:
		s.State = fmt.Sprint(st.Messages, " messages")
	}
	return s
}
