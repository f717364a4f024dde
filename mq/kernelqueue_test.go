package mq

import (
	"errors"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestZeroKernelQueues(t *testing.T) {
	ipctest.TestZeroValues(t, (*POSIXQueue)(nil), (*SystemVQueue)(nil), (*Typed[int64])(nil))
}

// On other systems than Linux every call says that there are no such queues.
func TestKernelQueuesElsewhere(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("this system has them")
	}
	const key = "0x5a01"
	for name, call := range map[string]func() error{
		"CreatePOSIX":         func() error { _, err := CreatePOSIX("jobs", nil); return err },
		"OpenPOSIX":           func() error { _, err := OpenPOSIX("jobs", nil); return err },
		"OpenOrCreatePOSIX":   func() error { _, err := OpenOrCreatePOSIX("jobs", nil); return err },
		"RemovePOSIX":         func() error { return RemovePOSIX("jobs") },
		"ListPOSIX":           func() error { _, err := ListPOSIX(); return err },
		"CreateSystemV":       func() error { _, err := CreateSystemV(key, nil); return err },
		"OpenSystemV":         func() error { _, err := OpenSystemV(key, nil); return err },
		"OpenOrCreateSystemV": func() error { _, err := OpenOrCreateSystemV(key, nil); return err },
		"RemoveSystemV":       func() error { return RemoveSystemV(key, nil) },
		"ListSystemV":         func() error { _, err := ListSystemV(); return err },
	} {
		t.Run(name, func(t *testing.T) { ipctest.WantError(t, call(), errors.ErrUnsupported, "Linux") })
	}
}
