package python

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/shm"
)

// The Kinds of errors.
const (
	kindArray = "array"
	kindList  = "list"
)

// createFilled makes a segment in which fill has written before other processes can
// open it; on Windows they can open it while fill runs.
func createFilled(name string, size int64, cfg *shm.Config, fill func(b []byte) error) (*shm.Segment, error) {
	var c shm.Config
	if cfg != nil {
		c = *cfg
	}
	if c.Fill != nil {
		return nil, fmt.Errorf("%s is for segments of other formats (%w)", fail.Go("Config.Fill"), os.ErrInvalid)
	}
	c.Fill = fill
	return shm.Create(name, size, &c)
}
