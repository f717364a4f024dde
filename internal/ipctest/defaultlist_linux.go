package ipctest

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"golang.org/x/sys/unix"
)

// GiveDefaultList gives the directory a default access control list, by which a user
// may use every file that is made there without rights of its own.
func GiveDefaultList(t testing.TB, dir string, uid int) {
	t.Helper()
	const owner, user, ownGroup, mask, others, noID = 1, 2, 4, 16, 32, math.MaxUint32
	list := binary.LittleEndian.AppendUint32(nil, 2) // version
	for _, e := range []struct {
		tag, rights uint16
		id          uint32
	}{{owner, 7, noID}, {user, 7, uint32(uid)}, {ownGroup, 7, noID}, {mask, 7, noID}, {others, 0, noID}} {
		list = binary.LittleEndian.AppendUint16(list, e.tag)
		list = binary.LittleEndian.AppendUint16(list, e.rights)
		list = binary.LittleEndian.AppendUint32(list, e.id)
	}
	err := unix.Setxattr(dir, "system.posix_acl_default", list, 0)
	if errors.Is(err, errors.ErrUnsupported) {
		Missing(t, "the file system of "+dir+" has no access control lists")
	}
	if err != nil {
		t.Fatal(err)
	}
}
