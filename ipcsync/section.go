package ipcsync

import "context"

// section is memory of an object that one process at a time changes, in several
// steps. What one who dies between them leaves the next one mends.
type section struct {
	*ownMutex
	mend func() error // may be killed, or fail, and be called again
}

func newSection(s *shared, mend func() error) (section, error) {
	m, err := ownMutexIn(s)
	if err != nil {
		return section{}, err
	}
	m.mends = true
	return section{m, mend}, nil
}

// do calls f in the section.
func (s section) do(ctx context.Context, f func() error) error {
	h, err := s.lock(ctx, nil)
	if err != nil {
		return err
	}
	err = s.use(func() error {
		if h.Recovered() {
			if err := s.mend(); err != nil {
				return err
			}
			if err := h.MarkConsistent(); err != nil {
				return err
			}
		}
		return f()
	})
	if unlocking := h.Unlock(); err == nil {
		err = unlocking
	}
	return err
}
