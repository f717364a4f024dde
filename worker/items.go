package worker

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A batch has as its body the number of inputs, in 8 bytes, and the inputs, one after the
// other. The answer has 8 bytes that say how the results follow, again one after the
// other. So what lies as in memory can be used where it is.
const (
	itemsPlain  = iota // results alone, that lie as in memory
	itemsMixed         // each behind its status
	itemsShared        // none: they are in the arena
)

func appendNumber(b []byte, n int) []byte { return binary.LittleEndian.AppendUint64(b, uint64(n)) }

// appendItems appends values so that they can be told apart.
func appendItems[T any](c *codec[T], b []byte, values []T) ([]byte, error) {
	var err error
	for _, v := range values {
		if b, err = c.appendItem(b, v); err != nil {
			return b, err
		}
	}
	return b, nil
}

// appendItem appends a value, behind its length: a codec of the program's knows its end
// by that alone.
func (c *codec[T]) appendItem(b []byte, v T) ([]byte, error) {
	start := len(b)
	b, err := c.append(append(b, 0, 0, 0, 0), v)
	if err != nil {
		return b, err
	}
	size := len(b) - start - 4
	if size > maxBody {
		return b, fmt.Errorf("it has %d bytes", size)
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(size))
	return b, nil
}

// decodeItem takes a value off the input.
func decodeItem[T any](c *codec[T], d *decoder) (v T, err error) {
	body := d.take(d.count(1))
	if d.err != nil {
		return v, d.err
	}
	return c.decode(body)
}

// takeImages takes n values off the input that lie as in memory, into room, which it may
// replace by a larger one.
func takeImages[T any](c *codec[T], d *decoder, n int, room []T) ([]T, error) {
	if n*c.size != len(d.b) {
		d.fail("%d bytes are there where %d should be", len(d.b), n*c.size)
		return room[:0], d.err
	}
	room = slices.Grow(room[:0], n)[:n]
	copy(imagesOf(room), d.take(n*c.size))
	return room, nil
}

// callBatch is the worker's side of a batch.
func (f *Func[In, Out]) callBatch(ctx *callContext, body, reply []byte) (uint16, []byte) {
	d := decoder{b: body}
	number := d.uint64()
	n := int(min(number&^sharedItems, maxBody))
	switch {
	case number&sharedItems != 0:
		return f.callShared(ctx, n, &d, reply)
	case f.in.image && f.out.image:
		return f.callImages(ctx, n, d.b, reply)
	}
	f.outs = slices.Grow(f.outs[:0], min(n, mostBatch))
	var failed map[int]error
	for i := range n {
		in, err := f.input(&d)
		if err != nil {
			return refuse(reply, fmt.Errorf("input %d is no %T: %w", i, in, err))
		}
		out, err := f.run(ctx, in)
		f.outs = append(f.outs, out)
		if err != nil {
			if failed == nil {
				failed = map[int]error{}
			}
			failed[i] = err
		}
		if ctx.ended() {
			return refuse(reply, errGrace) // has no reader any more
		}
	}
	return f.batchReply(failed, reply)
}

// input takes an input of a batch.
func (f *Func[In, Out]) input(d *decoder) (In, error) {
	if f.in.image {
		return f.in.decode(d.take(f.in.size))
	}
	return decodeItem(&f.in, d)
}

// callImages is callBatch for inputs and results that lie as in memory: they are used, and
// made, where they are.
func (f *Func[In, Out]) callImages(ctx *callContext, n int, body, reply []byte) (uint16, []byte) {
	if n*f.in.size != len(body) {
		return refuse(reply, errGarbled(fmt.Sprintf("%d inputs don't have %d bytes", n, len(body))))
	}
	reply = appendNumber(reply, itemsPlain)
	start := len(reply)
	reply = slices.Grow(reply, n*f.out.size)[:start+n*f.out.size]
	outs := viewOf[Out](reply[start:])
	failed, ended := f.runAll(ctx, viewOf[In](body), outs)
	return f.imagesReply(failed, ended, outs, reply)
}

// callShared is callImages for those that lie in an arena.
func (f *Func[In, Out]) callShared(ctx *callContext, n int, d *decoder, reply []byte) (uint16, []byte) {
	ins, results := takePlace(d, n, f.in.size, f.out.size)
	if err := d.end(); err != nil || !f.in.image || !f.out.image {
		return refuse(reply, fmt.Errorf("a batch is not where it should be: %w", err))
	}
	outs := viewOf[Out](results)
	failed, ended := f.runAll(ctx, viewOf[In](ins), outs)
	return f.imagesReply(failed, ended, outs, appendNumber(reply, itemsShared))
}

// runAll calls the function with each input. It ends early if ctx does.
func (f *Func[In, Out]) runAll(ctx *callContext, ins []In, outs []Out) (failed map[int]error, ended bool) {
	run := f.run
	outs = outs[:len(ins)]
	for i, in := range ins {
		out, err := run(ctx, in)
		outs[i] = out
		if err != nil {
			if failed == nil {
				failed = map[int]error{}
			}
			failed[i] = err
		}
		if ctx.ended() {
			return failed, true
		}
	}
	return failed, false
}

// imagesReply completes the answer to a batch whose results are in place if none failed.
func (f *Func[In, Out]) imagesReply(failed map[int]error, ended bool, outs []Out, reply []byte) (uint16, []byte) {
	switch {
	case ended:
		return refuse(reply, errGrace) // has no reader any more
	case failed == nil:
		return statusDone, reply
	}
	f.outs = append(f.outs[:0], outs...)
	return f.batchReply(failed, reply[:headerSize])
}

// batchReply encodes the results of a batch.
func (f *Func[In, Out]) batchReply(failed map[int]error, reply []byte) (uint16, []byte) {
	defer clear(f.outs)
	if f.out.image && failed == nil {
		return statusDone, append(appendNumber(reply, itemsPlain), imagesOf(f.outs)...)
	}
	reply = appendNumber(reply, itemsMixed)
	for i, out := range f.outs {
		err := failed[i]
		if err == nil {
			before := len(reply)
			if reply, err = f.out.appendItem(append(reply, statusDone), out); err == nil {
				continue
			}
			reply = appendText(append(reply[:before], statusRefused), fmt.Sprintf("the result can't be sent: %v", err))
			continue
		}
		reply = appendError(append(reply, statusFailed), err)
	}
	return statusDone, reply
}

// results decodes the answer to a batch.
func (f *Func[In, Out]) results(b *batch[In, Out], p *process, status uint16, body []byte) (err error) {
	if status != statusDone {
		_, err := f.result(p, status, body)
		return err
	}
	d := decoder{b: body}
	switch d.uint64() {
	case itemsPlain:
		if !f.out.image {
			return errGarbled("the worker answers a batch with plain values, and they are not")
		}
		b.outs, err = takeImages(&f.out, &d, len(b.ins), b.outs)
		return err
	case itemsShared:
		if b.arena == nil {
			return errGarbled("the worker answers a batch in an arena, and it was in none")
		}
		b.outs = b.outs[:len(b.ins)]
		return d.end()
	case itemsMixed:
		for i := range b.ins {
			out, err := f.mixedResult(&d, p)
			if d.err != nil {
				return d.err
			}
			b.set(i, out, err)
		}
		return d.end()
	}
	return errGarbled("the worker answers a batch in an unknown way")
}

// mixedResult takes one result off the answer to a batch.
func (f *Func[In, Out]) mixedResult(d *decoder, p *process) (out Out, err error) {
	switch status := d.byte(); status {
	case statusDone:
		body := d.take(d.count(1))
		if d.err != nil {
			return out, d.err
		}
		return f.result(p, statusDone, body)
	case statusFailed:
		err = decodeError(d, f.name, p.pid)
		return out, err
	case statusRefused:
		return f.result(p, statusRefused, []byte(d.text()))
	}
	d.fail("a result has an unknown status")
	return out, d.err
}
