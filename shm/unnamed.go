package shm

import "os"

// CreateUnnamed makes a segment that has no name: it is given to other processes
// by its descriptor, [Segment.File], for example in exec.Cmd's ExtraFiles or over
// a Unix socket, and goes with the last of them. It is sealed: nobody can change
// its size, so that access needs no protection from that and is as fast as can
// be. Linux only; elsewhere [errors.ErrUnsupported].
func CreateUnnamed(size int64, cfg *Config) (*Segment, error) {
	s, err := cfg.creating(size)
	if err == nil {
		var seg *Segment
		if seg, err = createUnnamed(size, &s); err == nil {
			return seg, nil
		}
	}
	return nil, failed("create", "", err)
}

// OpenFile opens the segment whose descriptor was received as f. Nothing that
// the sender says is believed: what is not sealed against shrinking and growing,
// or has another size than the one given, fails with [breezeway.ErrMismatch]. A
// size of 0 accepts any. f stays the caller's, and may be closed. Linux only;
// elsewhere [errors.ErrUnsupported].
func OpenFile(f *os.File, size int64, cfg *Config) (*Segment, error) {
	s, err := cfg.settings()
	if err == nil {
		var seg *Segment
		if seg, err = openFile(f, size, &s); err == nil {
			return seg, nil
		}
	}
	return nil, failed("open", "", err)
}
