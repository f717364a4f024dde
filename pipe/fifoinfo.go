package pipe

import (
	"io/fs"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// FIFOInfo is what can be learned of a FIFO without opening it.
type FIFOInfo struct {
	Path  string
	Owner string // uid
	Mode  fs.FileMode

	// PIDs are the processes that have it open, as far as this user may look into
	// them. One that waits for the other end doesn't have it open yet.
	PIDs []int
	// Open is how many processes have it open, or -1 if that can't be learned: this
	// user may not look into all processes, or the system doesn't tell.
	Open int
}

// ListFIFOs returns what is known of the FIFOs in a directory, in the order of their
// names. It opens none of them, so that no process at the other end notices. Windows has
// no FIFOs: [errors.ErrUnsupported].
func ListFIFOs(dir string) ([]FIFOInfo, error) {
	all, err := listFIFOs(dir)
	return all, fail.With(breezeway.OpList, kindFIFO, dir, err)
}

// StatFIFO returns what is known of the FIFO at path. It doesn't open it. It fails with
// [fs.ErrNotExist] if nothing is there, with [breezeway.ErrMismatch] if it is something
// else, a symbolic link included, and with [fs.ErrPermission] as OpenFIFO does for a
// symbolic link to a directory.
func StatFIFO(path string) (FIFOInfo, error) {
	info, err := statFIFO(path)
	return info, fail.With(breezeway.OpStat, kindFIFO, path, err)
}
