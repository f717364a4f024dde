//go:build !linux

package mq

import (
	"context"
	"errors"
	"fmt"
)

var errNoPOSIXQueues = fmt.Errorf("POSIX queues are for Linux; use a queue of mq.Create (%w)", errors.ErrUnsupported)

type posixHandle struct{ capacity, maxMessage int }

func (*posixHandle) isSet() bool { return false }

func createPOSIX(string, *posixSettings) (*POSIXQueue, error) { return nil, errNoPOSIXQueues }
func openPOSIX(string, *posixSettings) (*POSIXQueue, error)   { return nil, errNoPOSIXQueues }
func removePOSIX(string) error                                { return errNoPOSIXQueues }
func listPOSIX() ([]POSIXInfo, error)                         { return nil, errNoPOSIXQueues }

func (*posixHandle) send(context.Context, *Outgoing) error { return errNoPOSIXQueues }
func (*posixHandle) trySend(*Outgoing) error               { return errNoPOSIXQueues }
func (*posixHandle) bytes() int64                          { return -1 }
func (*posixHandle) stats() (Stats, error)                 { return Stats{}, errNoPOSIXQueues }
func (*posixHandle) close() error                          { return nil }

func (*posixHandle) receive(context.Context, []byte) (Message, error) {
	return Message{}, errNoPOSIXQueues
}

func (*posixHandle) tryReceive([]byte) (Message, bool, error) {
	return Message{}, false, errNoPOSIXQueues
}
