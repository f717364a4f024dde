package ipcbench

import (
	"fmt"
	"math/bits"
	"os"

	"golang.org/x/sys/windows"
)

var setProcessAffinityMask = windows.NewLazySystemDLL("kernel32.dll").NewProc("SetProcessAffinityMask")

// setAffinity lets this process run on one CPU only.
func setAffinity(cpu int) error {
	if cpu >= bits.UintSize {
		return fmt.Errorf("CPU %d is beyond the first %d (%w)", cpu, bits.UintSize, os.ErrInvalid)
	}
	if ok, _, err := setProcessAffinityMask.Call(uintptr(windows.CurrentProcess()), 1<<cpu); ok == 0 {
		return fmt.Errorf("CPU %d: SetProcessAffinityMask: %w", cpu, err)
	}
	return nil
}
