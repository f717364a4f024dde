package cli

import (
	"os"
	"strconv"
	"strings"
)

// programOfProcess returns the name of a process's program, which the process may have
// chosen itself, "" if it can't be learned.
func programOfProcess(pid int) string {
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return printable(strings.TrimSuffix(string(name), "\n"), "")
}
