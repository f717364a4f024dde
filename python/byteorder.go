package python

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// checkByteOrder refuses machines whose byte order is not the one that headers of arrays
// announce and that lists are written in. Elements lie in memory as the machine has them,
// and are never converted.
func checkByteOrder(machine binary.ByteOrder) error {
	if machine.Uint16([]byte{1, 0}) != 1 {
		return fmt.Errorf("arrays and lists are for little-endian machines (%w)", errors.ErrUnsupported)
	}
	return nil
}
