package robust

import "context"

// Section is memory of an object that one process at a time changes, in several
// steps. If a process dies between them, the next one repairs what it left.
type Section struct {
	Mutex

	// Repair is called in the section, before f of the next Do, after a process
	// died there. It is called again if it fails, or if its process dies: the
	// mutex is marked as consistent only after it has succeeded.
	Repair func() error
}

// Do calls f in the section. f may touch the memory: it is protected, and Close
// waits for it. If Repair fails, Do returns its error without calling f. If f panics,
// or ends the goroutine, the section is left to the next process to repair, as after a
// death. An error of f says that what it leaves is whole.
func (s *Section) Do(ctx context.Context, f func() error) (err error) {
	ticket, err := s.Lock(ctx, nil)
	if err != nil {
		return err
	}
	return s.run(ticket, f)
}

// TryDo is Do that doesn't wait. It reports false, and calls nothing, if a living process
// is in the section.
func (s *Section) TryDo(f func() error) (ok bool, err error) {
	ticket, ok, err := s.TryLock()
	if !ok || err != nil {
		return false, err
	}
	return true, s.run(ticket, f)
}

// run calls f in the section, and leaves it.
func (s *Section) run(ticket uint64, f func() error) (err error) {
	returned := false
	defer func() {
		unlock := s.Unlock
		if !returned {
			unlock = s.abandon
		}
		if unlocking := unlock(ticket); err == nil {
			err = unlocking
		}
	}()
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
	returned = true
	return err
}
