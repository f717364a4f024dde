package wait

import (
	"github.com/breezeway-ipc/breezeway/internal/access"
)

// Name identifies a word to other processes where its address does not. It is used
// on Windows only, where it names the event that waiters park on. It must be the
// same in every process and different for every word: [EventName] derives one from
// the mapped file.
type Name struct {
	Word   string      // such as Global\bw.NAME.OFFSET
	Access access.Rule // which users may wait and wake
}
