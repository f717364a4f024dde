//go:build !linux

package mq

import (
	"context"
	"errors"
	"fmt"
)

var errNoSystemVQueues = fmt.Errorf("queues of System V are for Linux; use a queue of mq.Create (%w)", errors.ErrUnsupported)

type systemVHandle struct{ sendType, maxMessage int }

func (*systemVHandle) isSet() bool { return false }

func fileKey(string, int) (int32, error) { return 0, errNoSystemVQueues }

func createSystemV(int32, *systemVSettings) (*SystemVQueue, error) { return nil, errNoSystemVQueues }
func openSystemV(int32, *systemVSettings) (*SystemVQueue, error)   { return nil, errNoSystemVQueues }
func removeSystemV(int32) error                                    { return errNoSystemVQueues }
func listSystemV() ([]SystemVInfo, error)                          { return nil, errNoSystemVQueues }

func (*systemVHandle) send(context.Context, int, []byte) error { return errNoSystemVQueues }
func (*systemVHandle) trySend(int, []byte) error               { return errNoSystemVQueues }
func (*systemVHandle) stats() (Stats, error)                   { return Stats{}, errNoSystemVQueues }
func (*systemVHandle) close()                                  {}

func (*systemVHandle) receive(context.Context, []byte) (Message, int, error) {
	return Message{}, 0, errNoSystemVQueues
}

func (*systemVHandle) tryReceive([]byte) (Message, bool, error) {
	return Message{}, false, errNoSystemVQueues
}
