//go:build unix

package breezeway

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

func currentUser() string { return strconv.Itoa(os.Geteuid()) }

func (a Access) admits(p Peer) (bool, error) {
	if p.UID < 0 {
		return false, fmt.Errorf("the system did not say who the other side is (%w)", os.ErrPermission)
	}
	if p.UID == overflowUID() {
		return false, fmt.Errorf("%w (%w)", errUnmapped, os.ErrPermission)
	}
	return p.UID == os.Geteuid() || p.UID == 0 || a.allowsUnix(p), nil
}

// overflowUID returns the id under which the kernel shows every user that this
// user namespace doesn't map, or -1 where all users are mapped. Many users
// share it, so it must not match even itself.
var overflowUID = sync.OnceValue(func() int {
	mapping, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return -1
	}
	if f := strings.Fields(string(mapping)); len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295" {
		return -1
	}
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return 65534
	}
	uid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 65534
	}
	return uid
})
