//go:build !linux

package watch

import "os"

// Subscription is never granted: the system raises no events.
type Subscription struct{}

// File reports false.
func File(*os.File, func()) (*Subscription, bool) { return nil, false }

// Path reports false.
func Path(string, func()) (*Subscription, bool) { return nil, false }

// Cancel does nothing.
func (*Subscription) Cancel() {}
