package shmnet

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// isMapped reports whether the memory of c is still there.
func isMapped(t *testing.T, c *Conn) bool {
	t.Helper()
	info := query(t, c.memory.b)
	return info.State != memFree && info.Type == memMapped
}

const (
	memCommit = 0x1000
	memFree   = 0x10000
	memMapped = 0x40000
)

// query returns what the system says of the pages at the start of b, which it need not
// touch.
func query(t *testing.T, b []byte) (info windows.MemoryBasicInformation) {
	t.Helper()
	if err := windows.VirtualQuery(uintptr(unsafe.Pointer(unsafe.SliceData(b))), &info, unsafe.Sizeof(info)); err != nil {
		t.Fatal(err)
	}
	return info
}
