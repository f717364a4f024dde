package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

const kindFIFO = "fifo"

// FIFOConfig adjusts a FIFO. nil and the zero value mean the defaults.
type FIFOConfig struct {
	// Mode is the permission bits that MakeFIFO gives, exactly, whatever the
	// umask; 0 means 0600. They alone decide which processes may open it.
	Mode fs.FileMode

	// Trust names the users, by name or uid, whose FIFOs OpenFIFO accepts besides
	// those of this process's own user and the superuser.
	Trust []string

	// KeepOpen makes OpenFIFO for In hold the FIFO open for writing too: it
	// waits for no writer, and Read waits for the next one, where otherwise it
	// returns io.EOF when the last one has closed. It needs the permission to
	// write.
	KeepOpen bool
}

// FIFO is one end of a FIFO: a pipe that has a path, which every program can
// open as a file. All methods may be called concurrently.
//
// Errors are [*breezeway.Error], but [io.EOF] comes bare. Those of a nil or zero
// FIFO are [os.ErrInvalid].
type FIFO struct {
	f    *os.File
	path string
	d    Direction

	mu    sync.Mutex
	first []byte // what OpenFIFO has read ahead
}

// MakeFIFO makes a FIFO at path, with the permission bits of cfg.Mode. It fails
// with [os.ErrExist] if anything is there. The FIFO stays until [RemoveFIFO];
// the bytes in it are gone when no process has it open. Windows has no FIFOs:
// [errors.ErrUnsupported].
func MakeFIFO(path string, cfg *FIFOConfig) error {
	if cfg == nil {
		cfg = new(FIFOConfig)
	}
	access, err := access.New(cfg.Mode, nil, nil)
	if err == nil {
		err = makeFIFO(path, access)
	}
	return fail.With(breezeway.OpMake, kindFIFO, path, err)
}

// RemoveFIFO removes the FIFO at path. Processes that have it open keep it. What
// is not a FIFO is left alone and fails with [breezeway.ErrMismatch].
func RemoveFIFO(path string) error {
	return fail.With(breezeway.OpRemove, kindFIFO, path, removeFIFO(path))
}

// OpenFIFO opens one end of the FIFO at path: with In to read, with Out to
// write. It waits until a process has the other end open, or until ctx ends; that
// disturbs no other process that waits for a partner. It meets a partner within 50
// ms, and a reader meets the first bytes at once.
//
// A path where nothing is fails with [os.ErrNotExist]. What is not a FIFO, a
// symbolic link included, fails with [breezeway.ErrMismatch]; a FIFO of another
// user with [os.ErrPermission] unless cfg trusts its owner, and so does a symbolic
// link to a directory that another user owns or could replace. The process at the
// other end can't be identified: the FIFO's mode decides which may open it.
//
// Windows has no FIFOs: [errors.ErrUnsupported]. Use a named pipe there.
func OpenFIFO(ctx context.Context, path string, d Direction, cfg *FIFOConfig) (*FIFO, error) {
	if cfg == nil {
		cfg = new(FIFOConfig)
	}
	f, err := openFIFOEnd(ctx, path, d, cfg)
	return f, fail.With(breezeway.OpOpen, kindFIFO, path, err)
}

func openFIFOEnd(ctx context.Context, path string, d Direction, cfg *FIFOConfig) (*FIFO, error) {
	access, err := access.New(cfg.Mode, nil, cfg.Trust)
	switch {
	case err != nil:
		return nil, err
	case d != In && d != Out:
		return nil, fmt.Errorf("a FIFO goes one way: open it with In to read or with Out to write (%w)", os.ErrInvalid)
	case d == Out && cfg.KeepOpen:
		return nil, fmt.Errorf("%s is for readers (%w)", fail.Go("FIFOConfig.KeepOpen"), os.ErrInvalid)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	f := &FIFO{path: path, d: d}
	if err := f.open(ctx, access, cfg.KeepOpen); err != nil {
		return nil, err
	}
	return f, nil
}

// Name returns the path that the FIFO was opened by.
func (f *FIFO) Name() string {
	if f == nil {
		return ""
	}
	return f.path
}

// Read reads up to len(p) bytes; with len(p) 0 it reads nothing and waits for
// nothing. When the last writer has closed, or died, it
// returns what was written before, then [io.EOF], as long as there is no new
// writer; with KeepOpen it waits for one instead. On macOS a Read that waits
// does not notice that the last writer closes.
func (f *FIFO) Read(p []byte) (int, error) {
	switch {
	case !f.valid():
		return 0, f.fail(breezeway.OpRead, errNoFIFO)
	case f.d == Out:
		return 0, f.fail(breezeway.OpRead, errFIFOWriteOnly)
	case len(p) == 0:
		return 0, f.fail(breezeway.OpRead, checkOpen(f.f))
	}
	n, err := f.takeFirst(p)
	if n == 0 && err == nil {
		n, err = f.f.Read(p)
	}
	return n, f.fail(breezeway.OpRead, err)
}

// takeFirst reads what OpenFIFO has read ahead, if a Read of the file would get
// that far.
func (f *FIFO) takeFirst(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.first) == 0 {
		return 0, nil
	}
	if err := checkReadable(f.f); err != nil {
		return 0, err
	}
	n := copy(p, f.first)
	f.first = f.first[n:]
	return n, nil
}

// Write writes all of p, waiting for room as needed. If no process has the FIFO
// open for reading any more it fails with [io.ErrClosedPipe]; the process gets
// no SIGPIPE. Up to 4096 bytes (512 on other systems than Linux) are not mixed
// with those of other writers.
func (f *FIFO) Write(p []byte) (int, error) {
	switch {
	case !f.valid():
		return 0, f.fail(breezeway.OpWrite, errNoFIFO)
	case f.d == In:
		return 0, f.fail(breezeway.OpWrite, errFIFOReadOnly)
	}
	n, err := f.f.Write(p)
	return n, f.fail(breezeway.OpWrite, err)
}

// valid reports whether OpenFIFO made f.
func (f *FIFO) valid() bool { return f != nil && f.f != nil }

var (
	errNoFIFO        = fmt.Errorf("the FIFO is nil or zero; use one that OpenFIFO returned (%w)", os.ErrInvalid)
	errFIFOWriteOnly = fmt.Errorf("this end only writes: it was opened with Out (%w)", os.ErrPermission)
	errFIFOReadOnly  = fmt.Errorf("this end only reads: it was opened with In (%w)", os.ErrPermission)
)

// Close closes this end and ends its pending calls with [os.ErrClosed]. Closing
// again does nothing.
func (f *FIFO) Close() error {
	if !f.valid() {
		return f.fail(breezeway.OpClose, errNoFIFO)
	}
	if err := f.f.Close(); !errors.Is(err, os.ErrClosed) {
		return f.fail(breezeway.OpClose, err)
	}
	return nil
}

// SetDeadline bounds present and future Reads and Writes, which then end with
// [os.ErrDeadlineExceeded]; the zero time removes the bound.
func (f *FIFO) SetDeadline(t time.Time) error { return f.set((*os.File).SetDeadline, t) }

// SetReadDeadline is SetDeadline for Reads.
func (f *FIFO) SetReadDeadline(t time.Time) error { return f.set((*os.File).SetReadDeadline, t) }

// SetWriteDeadline is SetDeadline for Writes.
func (f *FIFO) SetWriteDeadline(t time.Time) error { return f.set((*os.File).SetWriteDeadline, t) }

func (f *FIFO) set(deadline func(*os.File, time.Time) error, t time.Time) error {
	if !f.valid() {
		return f.fail(breezeway.OpSetDeadline, errNoFIFO)
	}
	return f.fail(breezeway.OpSetDeadline, closedFile(deadline(f.f, t)))
}

// fail puts an error into ours, except for io.EOF, which every reader expects
// bare.
func (f *FIFO) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return fail.With(op, kindFIFO, f.Name(), explain(fail.Bare(err)))
}
