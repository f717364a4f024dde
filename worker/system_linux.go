package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

func (*settings) supported() error { return nil }

// residentMemory returns how many bytes of memory a process has resident.
func residentMemory(pid int) (int64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("%q is no statm", text)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}
