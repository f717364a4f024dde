package wait

import (
	"github.com/breezeway-ipc/breezeway/internal/access"
)

// Name is what processes find a word by that is not found by its address. It is
// used on Windows only, where it names the event that waiters sleep on, and must
// be the same in every process and different for every word: [FileName] makes
// one of the mapped file.
type Name struct {
	Word   string      // such as Global\bw.NAME.OFFSET
	Access access.Rule // who may wait and wake
}
