package ring

import (
	"context"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
)

// Sender sends values. It has at most one [Loan] or [Batch] at a time. Its methods, and
// those of its loans, are for one goroutine at a time; where a ring has many senders, each
// goroutine makes one for itself. On a nil or zero Sender methods fail with
// [os.ErrInvalid].
type Sender[T any] struct{ p producer }

// Loan returns room for a value. It waits while the ring is full, until ctx is done:
// [context.Cause]. It fails with [breezeway.ErrRemoved] if the ring was removed, which it
// may notice up to a quarter of the ring later, and with [os.ErrClosed] after Close.
//
// A loan that was made before and not sent is given up. If there are many senders,
// receivers wait for a loan, as for all that is sent after it: fill it without waiting
// for something else.
func (s *Sender[T]) Loan(ctx context.Context) (Loan[T], error) {
	if s != nil && s.p.next < s.p.limit && !s.p.c.o.Closed() {
		return Loan[T]{&s.p, valueAt[T](&s.p.cells, s.p.next), s.p.next}, nil
	}
	l, _, err := s.loan(ctx, true)
	return l, err
}

// TryLoan is Loan that doesn't wait. It reports false if the ring is full.
func (s *Sender[T]) TryLoan() (Loan[T], bool, error) { return s.loan(context.Background(), false) }

func (s *Sender[T]) loan(ctx context.Context, mayWait bool) (Loan[T], bool, error) {
	if s.isZero() {
		return Loan[T]{}, false, s.fail(breezeway.OpLoan, nil)
	}
	pos, ok, err := s.p.reserve(ctx, 1, mayWait)
	if !ok {
		return Loan[T]{}, false, s.fail(breezeway.OpLoan, err)
	}
	return Loan[T]{&s.p, valueAt[T](&s.p.cells, pos), pos}, true, nil
}

// LoanN returns room for n values, at most half of the ring. It waits until there is that
// much room; otherwise it is as Loan.
func (s *Sender[T]) LoanN(ctx context.Context, n int) (Batch[T], error) {
	if s.isZero() {
		return Batch[T]{}, s.fail(breezeway.OpLoan, nil)
	}
	if most := max(s.p.c.made.Cells/2, 1); n < 1 || uint64(n) > most {
		return Batch[T]{}, s.fail(breezeway.OpLoan, fmt.Errorf("a batch of %d messages; in this ring it may have 1 to %d (%w)", n, most, breezeway.ErrTooLarge))
	}
	pos, ok, err := s.p.reserve(ctx, uint64(n), true)
	if !ok {
		return Batch[T]{}, s.fail(breezeway.OpLoan, err)
	}
	return Batch[T]{&s.p, pos, n}, nil
}

func (s *Sender[T]) isZero() bool { return s == nil || s.p.c == nil }

func (s *Sender[T]) fail(op string, err error) error { return failSide(s.isZero(), s.core(), op, err) }

func (s *Sender[T]) core() *core {
	if s == nil {
		return nil
	}
	return s.p.c
}

// Close gives up the right to send, and a loan that was not sent. It must not be called
// while another method is in progress: [Ring.Close] ends these. Closing again does nothing.
func (s *Sender[T]) Close() error {
	if s.isZero() {
		return s.fail(breezeway.OpClose, nil)
	}
	return s.fail(breezeway.OpClose, s.p.end())
}
