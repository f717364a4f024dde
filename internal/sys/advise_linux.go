package sys

import "golang.org/x/sys/unix"

var adviceNumbers = map[Advice]int{
	Normal: unix.MADV_NORMAL, Sequential: unix.MADV_SEQUENTIAL, Random: unix.MADV_RANDOM,
	WillNeed: unix.MADV_WILLNEED, DontNeed: unix.MADV_DONTNEED,
}
