package mq

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// SystemVInfo describes a System V queue that exists.
//
// Experimental.
type SystemVInfo struct {
	Key      uint32 // 0 is IPC_PRIVATE: such a queue can't be opened by its key
	ID       int    // the kernel's, as ipcs(1) prints it
	Owner    string // uid
	Creator  string // uid
	Mode     fs.FileMode
	Modified time.Time // when a message was last sent or received; zero if never

	Messages int
	Bytes    int64 // of the messages
}

// Name returns the key as [OpenSystemV] takes it: 0x0000ab12.
func (i SystemVInfo) Name() string { return fmt.Sprintf("0x%08x", i.Key) }

// ListSystemV describes all System V queues of this process's IPC namespace (of its
// container), in the order of their keys, whichever user's they are.
//
// Experimental.
func ListSystemV() ([]SystemVInfo, error) {
	infos, err := listSystemV()
	return infos, fail.With(breezeway.OpList, kindSystemV, "", err)
}
