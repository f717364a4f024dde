package main

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var getProcessMemoryInfo = windows.NewLazySystemDLL("kernel32.dll").NewProc("K32GetProcessMemoryInfo")

// memoryCounters is PROCESS_MEMORY_COUNTERS.
type memoryCounters struct {
	size                       uint32
	pageFaults                 uint32
	peakWorkingSet, workingSet uintptr
	_                          [6]uintptr
}

// usage returns how much of the processor's time this process has used, and how many bytes
// of memory it has resident.
func usage() (cpu time.Duration, resident int64, err error) {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err != nil {
		return 0, 0, os.NewSyscallError("GetProcessTimes", err)
	}
	m := memoryCounters{size: uint32(unsafe.Sizeof(memoryCounters{}))}
	ok, _, err := getProcessMemoryInfo.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&m)), uintptr(m.size))
	if ok == 0 {
		return 0, 0, os.NewSyscallError("GetProcessMemoryInfo", err.(syscall.Errno))
	}
	return duration(kernel) + duration(user), int64(m.workingSet), nil
}

// duration is that of a FILETIME that is none, in units of 100 ns.
func duration(f windows.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
