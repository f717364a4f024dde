package overlapped

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// completionPort is the one port of this process, made on first use. It and the
// goroutine that serves it live as long as the process.
var completionPort = sync.OnceValues(func() (windows.Handle, error) {
	port, err := windows.CreateIoCompletionPort(windows.InvalidHandle, 0, 0, 1)
	if err != nil {
		return 0, os.NewSyscallError("CreateIoCompletionPort", err)
	}
	go completions(port)
	return port, nil
})

// completions hands the results of operations to the calls that wait for them. Only
// operations of [File.do] post to the port, and each is kept alive and in place by
// the call that waits for it.
func completions(port windows.Handle) {
	for {
		var n uint32
		var key uintptr
		var o *windows.Overlapped
		err := windows.GetQueuedCompletionStatus(port, &n, &key, &o, windows.INFINITE)
		if o == nil {
			panic(fmt.Sprintf("overlapped: the completion port is gone: %v", err))
		}
		op := (*operation)(unsafe.Pointer(o))
		op.n, op.err = n, err
		op.done <- struct{}{}
	}
}
