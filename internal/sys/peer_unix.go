//go:build unix && !linux && !darwin

package sys

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/breezeway-ipc/breezeway"
)

// PeerOf is not available: this system's credentials call is not bound yet. No peer
// is admitted without credentials.
func PeerOf(fd int) (breezeway.Peer, error) { return breezeway.Peer{}, CanIdentifyPeers() }

// CanIdentifyPeers returns why [PeerOf] is unsupported on this system, or nil.
func CanIdentifyPeers() error {
	return fmt.Errorf("a peer's user can't be read on %s yet, and no peer is trusted unseen (%w)", runtime.GOOS, errors.ErrUnsupported)
}
