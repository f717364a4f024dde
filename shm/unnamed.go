package shm

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// CreateUnnamed makes a segment that has no name: it is given to other processes
// by its descriptor, [Segment.File], for example in exec.Cmd's ExtraFiles or over
// a Unix socket, and goes with the last of them. It is sealed: no process can change
// its size. All of it is reserved now, so that access needs no protection and is as
// fast as memory is. Allow, Trust, Scope and Fill of cfg are about names, and fail with
// [os.ErrInvalid]. Linux only; elsewhere [errors.ErrUnsupported].
//
// A process that was given the descriptor can still punch holes into the segment. The
// bytes there become zero, and the process that touches them next pays for their
// memory. If the system grants it none (overcommit_memory=2), that process crashes.
func CreateUnnamed(size int64, cfg *Config) (*Segment, error) {
	s, err := cfg.creating(size)
	if err == nil {
		err = s.checkUnnamed()
	}
	var seg *Segment
	if err == nil {
		seg, err = createUnnamed(size, &s)
	}
	if err != nil {
		return nil, KindSegment.fail(breezeway.OpCreate, "", err)
	}
	return seg, nil
}

// OpenFile opens the segment whose descriptor was received as f. Nothing that
// the sender says is believed: a descriptor that is not sealed against shrinking and
// growing, or has another size than the one given, fails with
// [breezeway.ErrMismatch]. A size of 0 accepts any. f stays the caller's, and may be
// closed. Mode, Allow, Trust, Scope and Fill of cfg are about names, and fail with
// [os.ErrInvalid]. Linux only; elsewhere [errors.ErrUnsupported].
//
// The segment may have holes, and this process pays for the memory of those that it
// touches. Give a size, which bounds that. Access is protected as access to files is,
// unless the segment has storage for all of its bytes, and this user or the superuser
// made it ([mmap.Mapping.Fixed]).
func OpenFile(f *os.File, size int64, cfg *Config) (*Segment, error) {
	s, err := cfg.opening()
	if err == nil {
		err = s.checkUnnamed()
	}
	if err == nil && s.Mode != 0 {
		err = fmt.Errorf("%s is for segments that are created (%w)", fail.Go("Config.Mode"), os.ErrInvalid)
	}
	var seg *Segment
	if err == nil {
		seg, err = openFile(f, size, &s)
	}
	if err != nil {
		return nil, KindSegment.fail(breezeway.OpOpen, "", err)
	}
	return seg, nil
}

// checkUnnamed refuses the options that are about names.
func (s *settings) checkUnnamed() error {
	for option, set := range map[string]bool{
		"Allow": s.Allow != nil, "Trust": s.Trust != nil, "Scope": s.Scope != breezeway.Session, "Fill": s.Fill != nil,
	} {
		if set {
			return fmt.Errorf("the option %s is for segments with a name (%w)", fail.Go("Config."+option), os.ErrInvalid)
		}
	}
	return nil
}
