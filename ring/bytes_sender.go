package ring

import (
	"context"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// BytesSender sends messages of bytes. It has at most one [BytesLoan] at a time, and is for
// one goroutine at a time, as [Sender] is.
type BytesSender struct{ p producer }

// Loan returns room for a message of n bytes, which have any values. It fails with
// [breezeway.ErrTooLarge] if n is more than a message may have; otherwise it is as
// [Sender.Loan].
func (s *BytesSender) Loan(ctx context.Context, n int) (BytesLoan, error) {
	if s != nil && s.p.next < s.p.limit && uint(n) <= s.p.most {
		p, cells := &s.p, cellsOf(n)
		if p.next+cells < p.limit && p.next&p.mask+cells <= p.mask+1 && !p.c.o.Closed() {
			return BytesLoan{p, p.next, n}, nil
		}
	}
	l, _, err := s.loan(ctx, n, true)
	return l, err
}

// TryLoan is Loan that doesn't wait. It reports false if the ring has no room for n bytes.
func (s *BytesSender) TryLoan(n int) (BytesLoan, bool, error) {
	return s.loan(context.Background(), n, false)
}

func (s *BytesSender) loan(ctx context.Context, n int, mayWait bool) (BytesLoan, bool, error) {
	if s.isZero() {
		return BytesLoan{}, false, s.fail(breezeway.OpLoan, nil)
	}
	p := &s.p
	if err := p.c.checkSize(n); err != nil {
		return BytesLoan{}, false, s.fail(breezeway.OpLoan, err)
	}
	pos, ok, err := p.reserve(ctx, cellsOf(n), mayWait)
	if !ok {
		return BytesLoan{}, false, s.fail(breezeway.OpLoan, err)
	}
	return BytesLoan{p, pos, n}, true, nil
}

// checkSize fails unless a message may have n bytes.
func (c *core) checkSize(n int) error {
	switch most := c.made.maxMessage(); {
	case n < 0:
		return fmt.Errorf("the message has %d bytes (%w)", n, os.ErrInvalid)
	case n > most:
		return fmt.Errorf("the message has %d bytes, and the ring takes up to %d; create it with a %s (%w)", n, most, fail.Go("larger Config.CapacityBytes"), breezeway.ErrTooLarge)
	}
	return nil
}

func (s *BytesSender) isZero() bool { return s == nil || s.p.c == nil }

func (s *BytesSender) fail(op string, err error) error {
	if s.isZero() {
		return failSide(true, nil, op, err)
	}
	return failSide(false, s.p.c, op, err)
}

// Close gives up the right to send, as [Sender.Close] does.
func (s *BytesSender) Close() error {
	if s.isZero() {
		return s.fail(breezeway.OpClose, nil)
	}
	return s.fail(breezeway.OpClose, s.p.end())
}
