package worker

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

func (s *settings) supported() error {
	if s.Limits.Files != 0 {
		return fmt.Errorf("%s: Windows has no such limit (%w)", fail.Go("Limits.Files"), errors.ErrUnsupported)
	}
	if s.Limits.Memory > math.MaxInt {
		return fmt.Errorf("%s %d is more than this system addresses (%w)", fail.Go("Limits.Memory"), s.Limits.Memory, os.ErrInvalid)
	}
	return nil
}

var getProcessMemoryInfo = windows.NewLazySystemDLL("kernel32.dll").NewProc("K32GetProcessMemoryInfo")

// memoryCounters is PROCESS_MEMORY_COUNTERS.
type memoryCounters struct {
	size                       uint32
	pageFaults                 uint32
	peakWorkingSet, workingSet uintptr
	_                          [6]uintptr
}

// residentMemory returns how many bytes of memory a process has resident.
func residentMemory(pid int) (int64, error) {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.PROCESS_VM_READ, false, uint32(pid))
	if err != nil {
		return 0, os.NewSyscallError("OpenProcess", err)
	}
	defer windows.CloseHandle(process)
	var m memoryCounters
	m.size = uint32(unsafe.Sizeof(m))
	ok, _, err := getProcessMemoryInfo.Call(uintptr(process), uintptr(unsafe.Pointer(&m)), uintptr(m.size))
	if ok == 0 {
		return 0, os.NewSyscallError("GetProcessMemoryInfo", err.(syscall.Errno))
	}
	return int64(m.workingSet), nil
}

// apply bounds this process, a worker, for good: it joins a job object of its own, whose
// handle stays open as long as it.
func (l Limits) apply() error {
	if l.Memory == 0 && l.CPU == 0 {
		return nil
	}
	job, err := sys.CreateJob(0)
	if err != nil {
		return err
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	if l.Memory > 0 {
		info.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_PROCESS_MEMORY
		info.ProcessMemoryLimit = uintptr(l.Memory)
	}
	if l.CPU > 0 {
		info.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_PROCESS_TIME
		info.BasicLimitInformation.PerProcessUserTimeLimit = int64(max(l.CPU/100, 1)) // units of 100 ns
	}
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))); err != nil {
		return os.NewSyscallError("SetInformationJobObject", err)
	}
	return sys.AssignToJob(job, windows.CurrentProcess())
}
