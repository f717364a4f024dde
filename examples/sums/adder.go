package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shm"
)

// adderVerb makes a process of this program one of the two that count:
// adderVerb METHOD NAME COUNT BATCH.
const adderVerb = "adder"

// The methods.
const (
	methodQueue  = "queue"
	methodMemory = "memory"
)

// total is the sum in shared memory. Which process may change it, the semaphore decides.
type total struct{ Sum uint64 }

func adder(ctx context.Context, args []string) error {
	parent, err := pipe.Inherited()
	if err != nil {
		return fmt.Errorf("%s is for processes that sums itself starts: %w", adderVerb, err)
	}
	if len(args) != 4 {
		return errUsage
	}
	count, err1 := strconv.ParseUint(args[2], 10, 64)
	batch, err2 := strconv.ParseUint(args[3], 10, 64)
	if err1 != nil || err2 != nil || batch == 0 {
		return errUsage
	}
	go endWith(parent, args[0], args[1])
	switch name, w := args[1], (work{count, batch}); args[0] {
	case methodQueue:
		return addToQueue(ctx, name, w)
	case methodMemory:
		return addInMemory(ctx, name, w)
	default:
		return errUsage
	}
}

// endWith ends this process when its parent is gone, which it hears on the connection to
// it, and removes what that can't remove any more.
func endWith(parent net.Conn, method, name string) {
	_, _ = io.Copy(io.Discard, parent)
	removeShared(method, name)
	os.Exit(exitError)
}

// addToQueue sends each partial result.
func addToQueue(ctx context.Context, name string, w work) error {
	q, err := mq.Open(name, nil)
	if err != nil {
		return err
	}
	defer q.Close()
	var body [8]byte
	for part := range w.parts() {
		binary.LittleEndian.PutUint64(body[:], part)
		if err := q.Send(ctx, mq.Outgoing{Body: body[:]}); err != nil {
			return err
		}
	}
	return nil
}

// addInMemory adds each partial result to the sum that both processes share.
func addInMemory(ctx context.Context, name string, w work) error {
	guard, err := ipcsync.OpenSemaphore(name, nil)
	if err != nil {
		return err
	}
	defer guard.Close()
	shared, err := shm.OpenStruct[total](name, nil)
	if err != nil {
		return err
	}
	defer shared.Close()
	for part := range w.parts() {
		if err := guard.Acquire(ctx); err != nil {
			return err
		}
		shared.Value().Sum += part
		if _, err := guard.Release(1); err != nil {
			return err
		}
	}
	return nil
}
