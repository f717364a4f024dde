package ipcsync

import (
	"log/slog"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// sharedMutex is a mutex of our own layout.
type sharedMutex struct{ *robust.Mutex }

func newSharedMutex(mode robust.OpenMode, kind Kind, name string, s *settings) (sharedMutex, error) {
	m := &robust.Mutex{}
	err := robust.Attach(mode, kind.layout(s.Slots), name, s.robust(), func(o *robust.Object) error {
		o.Kind = string(kind) // as errors name it
		if err := m.Init(o); err != nil {
			return err
		}
		m.Inherited = func() {
			o.Log.Warn("the process that held the lock died; this one has it now", slog.String("kind", o.Kind), slog.String("name", o.Name))
		}
		return m.Join(nil)
	})
	return sharedMutex{m}, err
}

// public returns m as a Mutex.
func (m sharedMutex) public() *Mutex {
	return &Mutex{mutex: m, holder: m.Mutex, shared: m.Mutex, name: m.Name, created: m.Created}
}

func (m sharedMutex) Stats() (st Stats, err error) {
	err = m.Use(func() error {
		st, err = lockStats(m.Object, &m.Owner, m.Recoveries().Load())
		return err
	})
	return st, m.Fail(breezeway.OpStat, err)
}

// lockStats returns what a lock's word says. It takes nothing from a dead holder: the
// lock is not free then, and has no living holder.
func lockStats(o *robust.Object, owner *robust.Owner, recoveries int64) (st Stats, err error) {
	st = Stats{Max: -1, Recoveries: recoveries}
	w := owner.Word.Load()
	pid, held, err := owner.Holder(w)
	switch {
	case err != nil:
		return Stats{}, err
	case !held:
		st.Value = 1
	case pid != 0:
		st.Holders, st.PIDs = 1, []int{pid}
	}
	dead := held && pid == 0 && w&robust.Pending == 0
	st.Recovered = dead || w&robust.Recovered != 0
	st.Waiters, err = o.Waiters()
	return st, err
}
