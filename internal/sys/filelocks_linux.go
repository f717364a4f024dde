package sys

import (
	"bufio"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// FileLocks are the locks on a file, of flock(2) and fcntl(2).
type FileLocks struct {
	Exclusive, Shared int
	Waiting           int
	PIDs              []int // of their processes; locks that belong to open files have none
}

// ReadFileLocks returns the locks on a file, as /proc/locks tells them. It takes none.
func ReadFileLocks(file fs.FileInfo) (l FileLocks, err error) {
	f, err := os.Open("/proc/locks")
	if err != nil {
		return l, err
	}
	defer f.Close()
	key := keyOf(file)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// 1: -> FLOCK  ADVISORY  WRITE 1234 08:02:5678 0 EOF
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		waits := words[1] == "->"
		if words = words[1:]; waits {
			words = words[1:]
		}
		if len(words) < 5 || words[4] != key {
			continue
		}
		switch {
		case waits:
			l.Waiting++
			continue
		case words[2] == "READ":
			l.Shared++
		default:
			l.Exclusive++
		}
		if pid, err := strconv.Atoi(words[3]); err == nil && pid > 0 {
			l.PIDs = append(l.PIDs, pid)
		}
	}
	return l, lines.Err()
}
