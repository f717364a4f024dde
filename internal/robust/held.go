package robust

import (
	"fmt"
	"os"
)

// ErrNotHeld is what giving up fails with where there is nothing to give up.
var ErrNotHeld = fmt.Errorf("it is not held any more: it was unlocked before, or was taken away because this process had closed it (%w)", os.ErrInvalid)
