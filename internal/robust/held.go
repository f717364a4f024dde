package robust

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// ErrNotHeld is returned for a ticket that stands for nothing any more.
var ErrNotHeld = fmt.Errorf("it is not held any more: it was unlocked before, or was taken away because this process had closed it (%w)", os.ErrInvalid)

// ErrUnlockedRemoved is returned by an Unlock that has given up what was removed
// meanwhile.
var ErrUnlockedRemoved = fmt.Errorf("it is unlocked, but it was removed while it was held: a process that has created the name anew may have held the new one at the same time (%w)", breezeway.ErrRemoved)
