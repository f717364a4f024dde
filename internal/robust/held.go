package robust

import (
	"fmt"
	"os"
)

// ErrNotHeld is returned for a ticket that stands for nothing any more.
var ErrNotHeld = fmt.Errorf("it is not held any more: it was unlocked before, or was taken away because this process had closed it (%w)", os.ErrInvalid)
