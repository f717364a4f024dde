package mq

import (
	"io/fs"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// POSIXInfo describes a POSIX queue that exists. What this user may not learn is -1.
//
// Experimental.
type POSIXInfo struct {
	Name     string // without the slash that it has in C
	Owner    string // uid
	Mode     fs.FileMode
	Modified time.Time // when a message was last sent or received

	Messages   int
	Bytes      int64 // of the messages
	Capacity   int   // in messages
	MaxMessage int   // bytes of a body
}

// ListPOSIX describes all POSIX queues of this process's IPC namespace (of its container),
// in the order of the names, whichever user's they are. Queues whose names
// [breezeway.CheckName] refuses are left out.
//
// It reads the directory /dev/mqueue. Where that isn't mounted only the superuser can list
// queues, and ListPOSIX fails with [errors.ErrUnsupported] for others.
//
// Experimental.
func ListPOSIX() ([]POSIXInfo, error) {
	infos, err := listPOSIX()
	return infos, fail.With(breezeway.OpList, kindPOSIX, "", err)
}
