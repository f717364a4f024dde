package sys

import (
	"math/bits"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

var (
	queryPerformanceCounter   = kernel32.NewProc("QueryPerformanceCounter")
	queryPerformanceFrequency = kernel32.NewProc("QueryPerformanceFrequency")
)

// Neither call fails on a Windows that Go runs on.
var ticksPerSecond = sync.OnceValue(func() (f uint64) {
	syscall.SyscallN(queryPerformanceFrequency.Addr(), uintptr(unsafe.Pointer(&f)))
	return f
})

// Clock returns the time since a moment in the past, for measuring: package
// time's clock advances in steps of half a millisecond or more here, this one
// mostly in steps of 100 ns.
func Clock() time.Duration {
	var ticks uint64
	syscall.SyscallN(queryPerformanceCounter.Addr(), uintptr(unsafe.Pointer(&ticks)))
	hi, lo := bits.Mul64(ticks, uint64(time.Second))
	ns, _ := bits.Div64(hi, lo, ticksPerSecond())
	return time.Duration(ns)
}
