package sys

import "golang.org/x/sys/windows"

var resumeProcess = ntdll.NewProc("NtResumeProcess")

// ResumeProcess lets the threads of a process run that was started suspended.
// ResumeThread would need a handle of the thread, which os/exec closes.
func ResumeProcess(process windows.Handle) error {
	status, _, _ := resumeProcess.Call(uintptr(process))
	return ntError("NtResumeProcess", windows.NTStatus(status))
}
