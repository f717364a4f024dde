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

	// At is the place of an object without a name.
	At Place

	// Fill writes to a new object, from the beginning of the head on; nil leaves
	// it zero.
	Fill func(io.WriterAt) error

	// AnySlots lets OpenOrCreate open an object with another number of slots.
	AnySlots bool

	// Observe opens the object for reading its state: it takes no slot, and
	// nothing may be waited for or taken.
	Observe bool
}
