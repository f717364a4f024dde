//go:build unix && !linux && !darwin

package sys

import (
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
)

// PeerOf is not available: this system's credentials call is not bound yet. No peer
// is admitted without credentials.
func PeerOf(fd int) (breezeway.Peer, error) {
	return breezeway.Peer{}, fmt.Errorf("reading a peer's user is not implemented on this system (%w)", errors.ErrUnsupported)
}
