package robust

import "context"

// Section is memory of an object that one process at a time changes, in several
// steps. What a process leaves half done that dies between them, the next one
// repairs.
type Section struct {
	Mutex
	Repair func() error // may be killed, or fail, and be called again
}

// Do calls f in the section.
func (s *Section) Do(ctx context.Context, f func() error) error {
	ticket, err := s.Lock(ctx, nil)
	if err != nil {
		return err
	}
	err = s.Use(func() error {
		if ticket&Recovered != 0 {
			if err := s.Repair(); err != nil {
				return err
			}
			if err := s.MarkConsistent(ticket); err != nil {
				return err
			}
		}
		return f()
	})
	if unlocking := s.Unlock(ticket); err == nil {
		err = unlocking
	}
	return err
}
