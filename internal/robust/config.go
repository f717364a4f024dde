package robust

import (
	"io"
	"log/slog"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
)

// Config says how to create or open an object.
type Config struct {
	Access access.Rule
	Scope  breezeway.Scope
	Log    *slog.Logger

	// At is where the object is instead of having a name.
	At Place

	// Fill writes what the head and the body of a new object begin with; nil
	// leaves them zero.
	Fill func(io.WriterAt) error

	// Observe opens the object to look at it: it takes no slot, so that nothing
	// may be waited for or taken.
	Observe bool
}
