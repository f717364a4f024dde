package robust

import "github.com/breezeway-ipc/breezeway"

// OpenMode says whether an object is created, opened, or either.
type OpenMode int

const (
	Create OpenMode = iota // fails with os.ErrExist if there is one
	Open                   // fails with os.ErrNotExist if there is none
	OpenOrCreate
)

// Op returns the mode as the Op of an error.
func (m OpenMode) Op() string {
	return [...]string{breezeway.OpCreate, breezeway.OpOpen, breezeway.OpOpenOrCreate}[m]
}
