package cli

import (
	"os"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/windows"
)

// bind puts this process into a job, which includes all processes that it starts. The
// kernel kills those in the job when its last handle is closed: when this process ends.
// free lets the processes live that are left when the command has ended.
func bind(*exec.Cmd) (free func(), err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, os.NewSyscallError("CreateJobObject", err)
	}
	limit := func(flags uint32) error {
		var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
		limits.BasicLimitInformation.LimitFlags = flags
		_, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
			uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
		return os.NewSyscallError("SetInformationJobObject", err)
	}
	err = os.NewSyscallError("AssignProcessToJobObject", windows.AssignProcessToJobObject(job, windows.CurrentProcess()))
	if err == nil {
		err = limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
	}
	if err != nil {
		windows.CloseHandle(job)
		return nil, err
	}
	return func() {
		if limit(0) == nil { // else the handle is closed at our end
			windows.CloseHandle(job)
		}
	}, nil
}
