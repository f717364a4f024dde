package sys

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Openers returns the processes that have a file open, of those that this user may look
// into, in no order. link is what /proc shows of the file: its path, or socket:[INODE].
func Openers(link string) (pids []int) {
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, d := range descriptors {
		if to, err := os.Readlink(d); err != nil || to != link {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(d, "/")[2])
		if err == nil && (len(pids) == 0 || pids[len(pids)-1] != pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}
