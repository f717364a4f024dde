package ipcsync

import (
	"context"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// unopened is what a zero value is made of: every method fails.
type unopened struct{ kind Kind }

func (u unopened) fail(op string) error {
	return u.kind.fail(op, "", fmt.Errorf("the %s was never opened: use what ipcsync.Create%s, Open%[2]s or OpenOrCreate%[2]s returned (%[3]w)",
		kindTable[u.kind].what, kindTable[u.kind].function, os.ErrInvalid))
}

func (u unopened) Lock(context.Context, *robust.Claim) (uint64, error) {
	return 0, u.fail(breezeway.OpLock)
}
func (u unopened) TryLock() (uint64, bool, error) { return 0, false, u.fail(breezeway.OpLock) }
func (u unopened) Unlock(uint64) error            { return u.fail(breezeway.OpUnlock) }
func (u unopened) MarkConsistent(uint64) error    { return u.fail(breezeway.OpMarkConsistent) }
func (u unopened) Stats() (Stats, error)          { return Stats{}, u.fail(breezeway.OpStat) }
func (u unopened) Close() error                   { return u.fail(breezeway.OpClose) }
