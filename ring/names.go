package ring

import (
	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Remove removes the ring name with all its messages. Processes that have it open can
// still receive what is in it; Loan, at the latest when the ring is full, and Receive when
// it is empty fail with [breezeway.ErrRemoved]. On Windows a ring can't be removed while a
// process has it open: [os.ErrPermission].
func Remove(name string, cfg *Config) error {
	s, err := cfg.settings(anyRecord)
	if err == nil {
		err = breezeway.CheckName(name)
	}
	if err == nil {
		err = layoutOf(0, 0).Remove(name, s.Scope, s.access)
	}
	return fail.With(breezeway.OpRemove, kind, name, advice().Explain(breezeway.OpRemove, name, err))
}

// List returns the names of the rings, sorted, of any layout and any user. It opens none
// of them.
func List(cfg *Config) ([]string, error) {
	s, err := cfg.settings(anyRecord)
	var names []string
	if err == nil {
		names, err = robust.List(fileKind, s.Scope)
	}
	return names, fail.With(breezeway.OpList, kind, "", err)
}

// Stat returns the Stats of the ring name, which this process needn't have open. It changes
// nothing, takes no slot, and needs the same rights as [Open].
func Stat(name string, cfg *Config) (Stats, error) {
	s, err := cfg.settings(anyRecord)
	var c *core
	if err == nil {
		s.observe = true
		c, err = openAs(robust.Open, name, anyRecord, s)
	}
	if err != nil {
		return Stats{}, fail.With(breezeway.OpStat, kind, name, advice().Explain(breezeway.OpStat, name, err))
	}
	defer c.close()
	return c.stats()
}
