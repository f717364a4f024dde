package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/shm"
)

// objectName is that of everything the processes share.
func objectName() string { return fmt.Sprintf("sums-%d", os.Getpid()) }

// removeShared removes what a method shares, if it is still there. On Windows some of it
// goes by itself.
func removeShared(method, name string) {
	if method == methodQueue {
		_ = mq.Remove(name, nil)
		return
	}
	_ = ipcsync.Remove(ipcsync.KindSemaphore, name, nil)
	_ = shm.Remove(shm.KindStruct, name, nil)
}

// result is what one run of a method found, and how long it took from the start of the
// processes to their end.
type result struct {
	sum     uint64
	elapsed time.Duration
}

// throughQueue has the two processes send their partial results, and adds them up.
func throughQueue(ctx context.Context, w work, progress *progressLine) (r result, err error) {
	name := objectName()
	q, err := mq.Create(name, nil)
	if err != nil {
		return r, err
	}
	defer removeShared(methodQueue, name)
	defer q.Close()
	start := time.Now()
	p, err := startPair(ctx, methodQueue, name, w)
	defer p.stop()
	if err != nil {
		return r, err
	}
	buf := make([]byte, 8)
	for range processes * w.number() {
		m, err := q.Receive(p.ctx, buf)
		if err != nil {
			return r, err
		}
		if len(m.Body) != 8 {
			return r, fmt.Errorf("a partial result has %d bytes, want 8", len(m.Body))
		}
		r.sum += binary.LittleEndian.Uint64(m.Body)
		progress.show("through a queue", r.sum, processes*w.Count)
	}
	err = p.wait()
	r.elapsed = time.Since(start)
	return r, err
}

// inMemory has the two processes add their partial results to a sum that they share.
func inMemory(ctx context.Context, w work, progress *progressLine) (r result, err error) {
	name := objectName()
	guard, err := ipcsync.CreateSemaphore(name, 1, nil)
	if err != nil {
		return r, err
	}
	defer removeShared(methodMemory, name)
	defer guard.Close()
	shared, err := shm.CreateStruct[total](name, nil)
	if err != nil {
		return r, err
	}
	defer shared.Close()
	start := time.Now()
	p, err := startPair(ctx, methodMemory, name, w)
	defer p.stop()
	if err != nil {
		return r, err
	}
	stop := progress.follow(p.ctx, "in shared memory", processes*w.Count, func(ctx context.Context) (uint64, error) {
		return readTotal(ctx, guard, shared)
	})
	err = p.wait()
	r.elapsed = time.Since(start)
	stop()
	if err != nil {
		return r, err
	}
	r.sum, err = readTotal(ctx, guard, shared)
	return r, err
}

func readTotal(ctx context.Context, guard *ipcsync.Semaphore, shared *shm.Struct[total]) (uint64, error) {
	if err := guard.Acquire(ctx); err != nil {
		return 0, err
	}
	sum := shared.Value().Sum
	_, err := guard.Release(1)
	return sum, err
}
