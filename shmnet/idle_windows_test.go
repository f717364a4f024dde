package shmnet

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// raiseDescriptors has nothing to do: Windows has no such limit.
func raiseDescriptors(*testing.T, int) {}

// threads counts those of a process.
func threads(t *testing.T, pid int) (n int) {
	t.Helper()
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(all)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(all, &entry); err == nil; err = windows.Thread32Next(all, &entry) {
		if entry.OwnerProcessID == uint32(pid) {
			n++
		}
	}
	if n == 0 {
		t.Fatalf("no threads of process %d: %v", pid, err)
	}
	return n
}

// resident returns how many bytes of memory this process has in RAM.
func resident(t *testing.T) int {
	t.Helper()
	var counters struct {
		size, pageFaults       uint32
		peakResident, resident uintptr
		_, _, _, _, _, _       uintptr // quotas and the paging file
	}
	counters.size = uint32(unsafe.Sizeof(counters))
	ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("K32GetProcessMemoryInfo").Call(
		uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&counters)), uintptr(counters.size))
	if ok == 0 {
		t.Fatal(err)
	}
	return int(counters.resident)
}
