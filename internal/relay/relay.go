package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// Direction is a way between the two ends.
type Direction int

// The directions. The first end is the one whose client has connected.
const (
	There Direction = iota // from the first end to the second
	Back
)

// Relay counts, and records, what passes between pairs of ends.
type Relay struct {
	Bytes [2]atomic.Int64 // in each direction
	Tap   *Tap            // nil: nothing is recorded
	Total *Relay          // counts too, if it isn't nil
}

// Join passes on what comes at either end, until nothing more comes from both or one fails,
// or ctx ends. It closes both ends. connection is what the recording calls this pair.
//
// When an end says that nothing more comes, the other one is told, and may go on. If it
// can't be told it is closed when nothing has come from it for a second. What an end
// sent before it closed is passed on although it didn't read everything.
func (r *Relay) Join(ctx context.Context, connection int, first, second End) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ways := newWays(cancel)
	defer ways.stop()
	var closing sync.Once
	closeBoth := func() {
		closing.Do(func() {
			first.Close()
			second.Close()
		})
	}
	defer closeBoth()
	defer context.AfterFunc(ctx, closeBoth)()
	var wg sync.WaitGroup
	var failed [2]error
	for direction, ends := range [2][2]End{{first, second}, {second, first}} {
		wg.Go(func() {
			failed[direction] = r.pass(ctx, connection, Direction(direction), ends[0], ends[1], ways)
			ways.end(Direction(direction))
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, errFinished) {
		return err
	}
	return cmp.Or(failed[There], failed[Back])
}

// errFinished ends a pair that is not known to have failed.
var errFinished = errors.New("no end can be told that nothing more comes")

// pass passes on what comes from one end until the other one knows that nothing more
// comes. An end that has closed leaves the other direction to go on; other failures end
// the pair.
func (r *Relay) pass(ctx context.Context, connection int, direction Direction, from, to End, ways *ways) error {
	at, err := r.copy(ctx, connection, direction, from, to)
	if isClosed(err) && errors.Is(context.Cause(ctx), errFinished) { // the end was closed here
		if err = nil; at == to {
			err = errCutOff
		}
	}
	close(ways.dry[direction])
	switch {
	case err == nil:
	case at == nil || !isClosed(err):
		ways.cancel(err)
		return err
	case at == to:
		ways.lose(other(direction))
		if !from.EndNext() {
			drop(ctx, from)
		}
		return err
	default:
		ways.lose(direction)
	}
	said, failed := to.EndPut(ctx)
	switch {
	case failed != nil && !isClosed(failed):
		ways.cancel(failed)
	case failed != nil || said:
	default:
		r.awaitRest(ctx, other(direction), ways)
	}
	return err
}

// grace is how long an end that can't be told that nothing more comes may be silent.
const grace = time.Second

// errCutOff says that an end was closed before it had taken what came last.
var errCutOff = errors.New("what came last was not taken in time, and is lost")

// awaitRest ends the pair unless something comes in a direction within each grace, or
// returns when nothing more comes.
func (r *Relay) awaitRest(ctx context.Context, d Direction, ways *ways) {
	tick := time.NewTicker(grace)
	defer tick.Stop()
	for passed := r.Bytes[d].Load(); ; {
		select {
		case <-tick.C:
		case <-ways.dry[d]: // it had no more to say
			return
		case <-ctx.Done():
			return
		}
		before := passed
		if passed = r.Bytes[d].Load(); passed == before {
			ways.cancel(errFinished)
			return
		}
	}
}

// copy passes on what comes until nothing more comes. If it fails it returns at which end,
// or nil if at neither.
func (r *Relay) copy(ctx context.Context, connection int, direction Direction, from, to End) (at End, err error) {
	for {
		data, settle, err := from.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return from, err
		}
		if err = r.record(connection, direction, data); err != nil {
			return nil, err
		}
		if err = to.Put(ctx, data); err == nil {
			r.count(direction, len(data))
		}
		if err == nil && settle != nil {
			err = to.Taken(ctx)
		}
		if settle != nil {
			if settled := settle(ctx, err); err == nil && settled != nil {
				return nil, fmt.Errorf("what was passed on could not be acknowledged, and may come again: %w", settled)
			}
		}
		if err != nil {
			return to, err
		}
		if len(data) == bufferSize { // there is much of it
			if done, at, err := r.splice(direction, from, to); done {
				return at, err
			}
		}
	}
}

// splice is copy between two sockets, without copying. done is false if copy is to go on.
func (r *Relay) splice(direction Direction, from, to End) (done bool, at End, err error) {
	in, out := streamIn(from), streamIn(to)
	if in == nil || in.Socket == nil || out == nil || out.Socket == nil || r.Tap != nil {
		return false, nil, nil
	}
	done, reading, err := splice(in.Socket, out.Socket, func(n int) { r.count(direction, n) })
	switch {
	case !done, errors.Is(err, io.EOF):
		return done, nil, nil
	case reading:
		return true, from, in.failed(breezeway.OpRead, err)
	}
	return true, to, out.failed(breezeway.OpWrite, err)
}

// streamIn returns the Stream that an End is, or nil.
func streamIn(e End) *Stream {
	switch e := e.(type) {
	case *Stream:
		return e
	case *ahead:
		return streamIn(e.End)
	}
	return nil
}

// drop reads what comes, so that the other side can read what was put while it writes.
func drop(ctx context.Context, from End) {
	for ctx.Err() == nil {
		if _, _, err := from.Next(ctx); err != nil {
			return
		}
	}
}

func (r *Relay) record(connection int, direction Direction, data []byte) error {
	if r.Tap == nil {
		return nil
	}
	return r.Tap.record(connection, direction, data)
}

func (r *Relay) count(direction Direction, n int) {
	r.Bytes[direction].Add(int64(n))
	if r.Total != nil {
		r.Total.count(direction, n)
	}
}
