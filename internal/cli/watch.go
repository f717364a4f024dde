package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// follow shows changes of the n bytes from off on, until a signal or --count.
func (r *reader) follow(ctx context.Context, off, n int64) error {
	ctx, stop := untilSignal(ctx)
	defer stop()
	seen := make([]byte, n)
	if _, err := r.memory.ReadAt(seen, off); err != nil && err != io.EOF {
		return err
	}
	if err := r.announce(off, n); err != nil {
		return err
	}
	pause := time.NewTimer(r.interval)
	defer pause.Stop()
	for left := r.count; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		began := time.Now()
		err := r.compare(off, seen, func(at int64, old, now []byte) error {
			if err := r.showChange(at, old, now); err != nil {
				return err
			}
			if left--; left == 0 {
				return errEnough
			}
			return nil
		})
		switch {
		case err == errEnough:
			return nil
		case err != nil:
			return err
		}
		if err := r.memory.lost(off + n); err != nil {
			return err
		}
		const share = 10 // comparing takes a tenth of the time
		pause.Reset(max(r.interval, (share-1)*time.Since(began)))
	}
}

// errEnough ends a comparison when --count changes were shown.
var errEnough = errors.New("enough")

// announce says that changes from now on will be shown.
func (r *reader) announce(off, n int64) error {
	if r.json {
		e := r.event("watching", off)
		e.Size, e.Bytes = int64(r.memory.Len()), &n
		_, err := io.WriteString(r.out, e.String())
		return err
	}
	if r.err.tty {
		fmt.Fprintln(r.err, r.err.paint(dim, fmt.Sprintf("watching %d bytes of %s, Ctrl-C stops", n, r.target)))
	}
	return nil
}

// compare calls f for each change of the bytes from off on since seen, which it
// updates.
func (r *reader) compare(off int64, seen []byte, f func(at int64, old, now []byte) error) error {
	var block [64 << 10]byte
	for len(seen) > 0 {
		now := block[:min(len(block), len(seen))]
		if _, err := r.memory.ReadAt(now, off); err != nil {
			return err
		}
		if !bytes.Equal(now, seen[:len(now)]) {
			if err := changes(seen[:len(now)], now, func(i, j int) error {
				return f(off+int64(i), seen[i:j], now[i:j])
			}); err != nil {
				return err
			}
			copy(seen, now)
		}
		seen = seen[len(now):]
		off += int64(len(now))
	}
	return nil
}

// changes calls f for the ranges [i, j) in which a and b differ.
func changes(a, b []byte, f func(i, j int) error) error {
	const gap = 8 // so many equal bytes end a change
	for i := 0; i < len(a); i++ {
		if a[i] == b[i] {
			continue
		}
		j := i + 1
		for k := j; k < len(a) && k < j+gap; k++ {
			if a[k] != b[k] {
				j = k + 1
			}
		}
		if err := f(i, j); err != nil {
			return err
		}
		i = j
	}
	return nil
}

func (r *reader) showChange(at int64, old, now []byte) error {
	if r.json {
		e := r.event("change", at)
		e.Old, e.New = hex.EncodeToString(old), hex.EncodeToString(now)
		_, err := io.WriteString(r.out, e.String())
		return err
	}
	more := ""
	if n := len(old); n > hexLine {
		old, now = old[:hexLine], now[:hexLine]
		more = fmt.Sprintf(" … (%d bytes)", n)
	}
	_, err := fmt.Fprintf(r.out, "%s %s  % x → % x  |%s| → |%s|%s\n", r.out.paint(dim, time.Now().Format("15:04:05.000")),
		r.out.paint(cyan, fmt.Sprintf("%08x", at)), old, now, printed(old), printed(now), more)
	return err
}
