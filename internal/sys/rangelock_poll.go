//go:build !linux

package sys

import (
	"os"
	"sync"
	"time"
)

// poll waits for a lock where the system has no call for it that can be ended.
// It tries under mu, until closing is closed under mu.
func poll(mu *sync.Mutex, closing <-chan struct{}, try func() (bool, error)) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		mu.Lock()
		select {
		case <-closing:
			mu.Unlock()
			return os.ErrClosed
		default:
		}
		ok, err := try()
		mu.Unlock()
		if ok || err != nil {
			return err
		}
		select {
		case <-closing:
		case <-again.C:
		}
	}
}
