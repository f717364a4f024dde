package shmnet

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// isMapped reports whether the memory of c is still there.
func isMapped(t *testing.T, c *Conn) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	start := strings.TrimPrefix(fmt.Sprintf("%p-", c.memory.b), "0x")
	for line := range strings.Lines(string(maps)) {
		if strings.HasPrefix(line, start) && strings.Contains(line, "memfd:bw.shmnet") {
			return true
		}
	}
	return false
}
