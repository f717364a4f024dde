//go:build unix && !linux

package local

import "github.com/breezeway-ipc/breezeway/internal/watch"

// WatchName reports false: the system grants no watch.
func (l *Listener) WatchName(func()) (*watch.Subscription, bool) { return nil, false }
