package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// CreateJob makes a job object without a name. limits are JOB_OBJECT_LIMIT flags.
func CreateJob(limits uint32) (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, os.NewSyscallError("CreateJobObject", err)
	}
	if err := LimitJob(job, limits); err != nil {
		windows.CloseHandle(job)
		return 0, err
	}
	return job, nil
}

// LimitJob replaces the limits of a job object.
func LimitJob(job windows.Handle, limits uint32) error {
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = limits
	_, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	return os.NewSyscallError("SetInformationJobObject", err)
}

// AssignToJob puts a process into a job object, together with those that it starts
// from then on.
func AssignToJob(job, process windows.Handle) error {
	return os.NewSyscallError("AssignProcessToJobObject", windows.AssignProcessToJobObject(job, process))
}
