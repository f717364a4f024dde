package ring

import (
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/barrier"
)

// No waiter is missed:
//
//	sender:  store the record's word; load gate     receiver:  announce at gate; look; park
//
// If the load finds no announcement, the receiver must find the record when it looks. With
// an atomic store that holds, but it waits until other processors have seen it. So senders
// store plainly, and the load may overtake the store in the store buffer. The receiver has
// the fence performed in all processes, by [barrier.InAll], between announcing and
// looking: what a sender's load has overtaken by then is stored before the receiver looks,
// and a later load finds the announcement. The same holds for a receiver that gives room
// back, and a sender that waits for it. docs/models/ringwait.pml is this argument for the model
// checker.
//
// A process that can't be reached by that stores atomically. A waiter that can't call it
// sets head.strict, which has the others store atomically from their next message on; one
// that was just publishing may miss it, and then the waiter looks again after 100 ms.

// mayStorePlainly reports whether this process may publish by plain stores.
func (h *head) mayStorePlainly() bool {
	return barrier.Needed && barrier.Reached() && !h.isStrict()
}

// isStrict reports whether a waiter can't have fences performed.
func (h *head) isStrict() bool { return atomic.LoadUint32(&h.strict) != 0 }
