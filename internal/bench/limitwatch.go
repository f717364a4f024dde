package bench

import (
	"context"
	"slices"
)

// limitWatch measures the limit while two contenders are compared.
type limitWatch struct {
	meter
	limit  *side // nil if it is not watched
	steady []bool
}

// watch measures the limit for the first time.
func (m *meter) watch(ctx context.Context) (*limitWatch, error) {
	w := &limitWatch{meter: *m}
	if m.Limit == nil {
		return w, nil
	}
	const share = 8 // the limit's operations are short: its windows may be, too
	w.Window /= share
	w.limit = &side{Contender: *m.Limit}
	if err := w.calibrate(ctx, w.limit); err != nil {
		return nil, w.limit.fail(err)
	}
	return w, nil
}

// look measures the limit after a pair.
func (w *limitWatch) look(ctx context.Context) error {
	if w.limit == nil {
		return nil
	}
	if err := w.window(ctx, w.limit); err != nil {
		return w.limit.fail(err)
	}
	last := w.limit.windows[len(w.limit.windows)-2:]
	w.steady = append(w.steady, steady(last[0].perOp(), last[1].perOp()))
	return nil
}

// forget keeps the last look alone, which is the one before the next pair.
func (w *limitWatch) forget() {
	if w.limit != nil {
		w.limit.windows = slices.Delete(w.limit.windows, 0, len(w.limit.windows)-1)
		w.steady = nil
	}
}

// enough reports whether as many pairs as wanted count, or no more are to be tried.
func (w *limitWatch) enough(run, wanted int) bool {
	const patience = 3
	counting := 0
	for _, ok := range w.steady {
		if ok {
			counting++
		}
	}
	return w.limit == nil || counting >= wanted || run >= patience*wanted
}

// drop takes the windows of pairs that don't count away.
func (w *limitWatch) drop(sides ...*side) {
	if !slices.Contains(w.steady, true) {
		return
	}
	for _, s := range sides {
		kept := s.windows[:0]
		for i, window := range s.windows {
			if w.steady[i] {
				kept = append(kept, window)
			}
		}
		s.windows = kept
	}
}

func (w *limitWatch) figures() *Figures {
	if w.limit == nil {
		return nil
	}
	f := w.limit.figures()
	return &f
}
