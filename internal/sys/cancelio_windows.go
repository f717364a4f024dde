package sys

import "golang.org/x/sys/windows"

var cancelSynchronousIo = kernel32.NewProc("CancelSynchronousIo")

// CancelSynchronousIO ends the I/O call in which a thread blocks, if there is one.
func CancelSynchronousIO(thread windows.Handle) { cancelSynchronousIo.Call(uintptr(thread)) }
