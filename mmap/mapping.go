package mmap

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/fault"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Mapping is a range of a file that appears as memory. All its methods may be
// called concurrently. The callers see to it that no two of them, and no two
// processes, write and read the same bytes at the same time.
//
// A Mapping must be closed. One that is dropped without Close stays mapped
// until the process ends: the collector can't know whether a slice of it is
// still in use, so it never takes the memory away.
//
// Every method and function of this package that touches the memory returns an
// error that is [os.ErrClosed] after Close, and one that is
// [io.ErrUnexpectedEOF] if the bytes are gone because another process truncated
// the file. Slices and pointers have neither protection, except inside
// [Mapping.Borrow]. On a nil or zero Mapping the error is [os.ErrInvalid].
type Mapping struct {
	b     []byte // what was asked for; never changes; nil only in a zero Mapping
	whole []byte // what is mapped: whole pages
	lead  int    // where b begins in whole

	name     string
	offset   int64 // of b in the file
	readOnly bool
	private  bool // copy-on-write
	guarded  bool // a touch can fault: package fault

	calls   calls
	borrows gate

	closing  sync.Once
	closeErr error
	system   // what the system's calls need
}

// Map maps f. The Mapping doesn't need f afterwards: it may be closed.
//
// A range beyond the file's end, and a Capacity below its size, fail with
// [os.ErrInvalid]. A file that is open for reading only fails with
// [os.ErrPermission] unless Config.ReadOnly or Config.CopyOnWrite is set, and
// so does growing a read-only or copy-on-write mapping's file. Where the
// storage for Capacity is missing, the system's error says so (ENOSPC on Unix).
//
// The file's length stays what it is, also on Windows: nothing is rounded up.
// There a file can't be truncated while it is mapped.
//
// On Windows f may also be a section object, made an [os.File] by [os.NewFile]:
// one that CreateFileMapping or OpenFileMapping returned, or that was inherited.
// Its size is rounded up to whole pages, since the system tells no more, unless
// Config.Length says less; Config.Offset and Config.Capacity must be 0. The
// section's name lasts only as long as a handle of it.
func Map(f *os.File, cfg *Config) (*Mapping, error) {
	var c Config
	if cfg != nil {
		c = *cfg
	}
	m, err := mapHeld(f, &c)
	if err != nil {
		name := ""
		if f != nil {
			name = f.Name()
		}
		return nil, fail.With(breezeway.OpMap, kind, name, err)
	}
	return m, nil
}

const kind = "mmap"

// mapHeld is mapFile of a file that no other goroutine can close meanwhile.
func mapHeld(f *os.File, c *Config) (m *Mapping, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	if conn.Control(func(uintptr) { m, err = mapFile(f, c) }) != nil {
		return nil, os.ErrClosed
	}
	return m, err
}

func mapFile(f *os.File, c *Config) (*Mapping, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if m, ok, err := mapSection(f, c); ok || err != nil {
		return m, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a regular file but %v (%w)", info.Mode(), os.ErrInvalid)
	}
	n, err := c.spanGrown(info.Size())
	if err != nil {
		return nil, err
	}
	lead := int(c.Offset % int64(sys.MapGranularity))
	whole, err := mapGrown(f, c, info.Size(), lead, n)
	if err != nil {
		return nil, err
	}
	s, err := keep(f, c)
	if err != nil {
		unmap(whole)
		return nil, err
	}
	m := newMapping(whole, lead, f.Name(), c)
	m.guarded = fault.Possible(f, c.Offset+int64(n), fault.NoProcess)
	m.system = s
	if err := m.populate(c); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// mapRange maps n bytes and the lead before them, as c says, of a file that may still
// be shorter. No bytes are no memory.
func mapRange(f *os.File, c *Config, lead, n int) (whole []byte, err error) {
	if n == 0 {
		return nil, nil
	}
	err = withAddresses(func() (err error) {
		whole, err = sys.MapFile(f, c.Offset-int64(lead), lead+n, c.protection())
		return err
	})
	return whole, explainMap(err, c)
}

func newMapping(whole []byte, lead int, name string, c *Config) *Mapping {
	m := &Mapping{
		whole: whole, lead: lead, name: name, offset: c.Offset,
		readOnly: c.ReadOnly, private: c.CopyOnWrite,
		b:     []byte{},
		calls: makeCalls(), borrows: makeGate(),
	}
	if len(whole) > 0 {
		m.b = whole[lead:len(whole):len(whole)]
	}
	return m
}

// advise gives the system the advice of c about new memory.
func (c *Config) advise(whole []byte) error {
	if c.HugePages {
		if err := sys.UseHugePages(whole); err != nil {
			return err
		}
	}
	if c.Advice == Normal {
		return nil
	}
	return sys.Advise(whole, sys.Advice(c.Advice))
}

// populate reads all of the memory in, if c says so. It writes nothing, since that
// would copy the pages of a copy-on-write mapping.
func (m *Mapping) populate(c *Config) error {
	if !c.Populate || len(m.whole) == 0 || sys.Populate(m.whole) == nil {
		return nil
	}
	for page := 0; page < m.lead+len(m.b); page += os.Getpagesize() {
		if at := max(page-m.lead, 0); !m.readable(at) {
			return m.explainFault(at)
		}
	}
	return nil
}

// spanGrown is span of a file that has the given size before it is grown.
func (c *Config) spanGrown(size int64) (int, error) {
	if c.Capacity != 0 {
		if c.Capacity < size {
			return 0, fmt.Errorf("%s %d is below the file's size, %d; use %s to map less (%w)", fail.Go("Config.Capacity"), c.Capacity, size, fail.Go("Config.Length"), os.ErrInvalid)
		}
		size = c.Capacity
	}
	return c.span(size)
}

// span returns how many bytes of a file of the given size are to be mapped.
func (c *Config) span(size int64) (int, error) {
	n := c.Length
	if n == 0 {
		n = size - c.Offset
	}
	if c.Offset > size || n > size-c.Offset {
		return 0, fmt.Errorf("offset %d and length %d reach beyond the end at %d; grow the file with %s (%w)",
			c.Offset, c.Length, size, fail.Go("Config.Capacity"), os.ErrInvalid)
	}
	if n > math.MaxInt-int64(sys.MapGranularity) {
		return 0, fmt.Errorf("%d bytes are more than this process can address (%w)", n, breezeway.ErrTooLarge)
	}
	return int(n), nil
}

// grow makes f, which has the given size, as long as c asks for.
func grow(f *os.File, size int64, c *Config) error {
	if c.Capacity == 0 {
		return nil
	}
	if err := sys.Reserve(f, c.Capacity); err != nil {
		return fmt.Errorf("can't grow the file from %d to %d bytes: %w", size, c.Capacity, err)
	}
	return nil
}

func explainMap(err error, c *Config) error {
	if errors.Is(err, os.ErrPermission) {
		if c.ReadOnly || c.CopyOnWrite {
			return fmt.Errorf("the file must be open for reading (%w)", err)
		}
		return fmt.Errorf("the file must be open for reading and writing; open it with os.O_RDWR, or set %s or %s (%w)", fail.Go("Config.ReadOnly"), fail.Go("Config.CopyOnWrite"), err)
	}
	return err
}

// fail makes the error of an operation. It is not inlined, since it would make the
// frames of the accessors larger, which takes time: a guarded Write 1.1 times as much.
//
//go:noinline
func (m *Mapping) fail(op string, err error) error {
	name := ""
	if m != nil {
		name = m.name
	}
	return fail.With(op, kind, name, err)
}

// Name returns the name of the file, as it was when it was mapped.
func (m *Mapping) Name() string {
	if m == nil {
		return ""
	}
	return m.name
}

// Len returns the size in bytes. It stays the same after Close.
func (m *Mapping) Len() int {
	if m == nil {
		return 0
	}
	return len(m.b)
}

// Offset returns where in the file the mapping begins.
func (m *Mapping) Offset() int64 {
	if m == nil {
		return 0
	}
	return m.offset
}

// Fixed reports whether the memory can't fault, so that it needs no protection: it is
// that of a descriptor that is sealed against shrinking, which this user or the
// superuser has made with storage for all of it, as shm.CreateUnnamed does. The memory
// of files and named segments is not fixed, nor are huge pages of hugetlbfs.
func (m *Mapping) Fixed() bool { return !m.isZero() && !m.guarded }

// ReadOnly reports whether the memory can't be written.
func (m *Mapping) ReadOnly() bool { return m != nil && m.readOnly }

// Bytes returns the memory itself, or nil after Close.
//
// Nothing protects it. Touching it after Close is undefined: it may read zeros,
// crash the process, or damage what is mapped there next. Writing to a
// read-only mapping, and touching bytes that another process truncated away,
// crashes the process; inside [Mapping.Borrow] it is an error.
func (m *Mapping) Bytes() []byte {
	if m.expose() != nil {
		return nil
	}
	return m.b
}

// isZero reports whether Map did not make m.
func (m *Mapping) isZero() bool { return m == nil || m.b == nil }

var errZero = fmt.Errorf("it is not mapped; make it with mmap.Map (%w)", os.ErrInvalid)

// isOpen may be called on a Mapping that is not nil.
func (m *Mapping) isOpen() bool { return m.calls.enter() && m.calls.leave() }

// whyUnusable returns an error unless m is mapped.
func (m *Mapping) whyUnusable() error {
	switch {
	case m.isZero():
		return errZero
	case !m.isOpen():
		return os.ErrClosed
	}
	return nil
}

// expose is called before a pointer into the memory is handed out. It returns an error
// unless m is mapped.
func (m *Mapping) expose() error {
	if m.isZero() {
		return errZero
	}
	if !m.calls.expose() || !m.isOpen() {
		return os.ErrClosed
	}
	return nil
}

// Borrow calls f with the memory and returns f's error. Close waits until f
// returns, and within f, on its own goroutine, a fault in the memory ends f with
// an error instead of the process: [io.ErrUnexpectedEOF] if the file was
// truncated, [os.ErrPermission] if f wrote to a read-only mapping. All the other
// functions work on the mapping inside f, slices and pointers included.
//
// One Borrow around a loop costs less than an accessor for every element. f
// must not call Close, which would wait for itself.
//
// A fault ends f as a panic does: deferred calls run, and a lock that f does not
// release by one stays locked. A recover in f or in what f calls takes the fault, and
// Borrow does not learn of it: package fmt recovers what String methods panic with. A
// system call that is given the memory returns an error (EFAULT).
//
// Some faults crash the process even here: those in the runtime's own work, those on
// another goroutine, and those of what f has passed on, touched after Borrow. Copy
// first, where b is the memory, s a slice and str a string in it:
//
//	instead of                                 write
//	c <- s[0]                                  v := s[0]; c <- v
//	println(str)                               println(strings.Clone(str))
//	keys[str] = v                              keys[strings.Clone(str)] = v
//	panic(str)                                 panic(strings.Clone(str))
//	rand.Read(b)                               rand.Read(p); copy(b, p)
//	runtime.Stack(b, false)                    copy(b, debug.Stack())
//	trace.Log(ctx, "", str)                    trace.Log(ctx, "", strings.Clone(str))
//	pipe.Write(b)                              pipe.Write(bytes.Clone(b))
//	go func() { use(b) }()                     go func() { err = m.Borrow(use) }()
//	next, stop := iter.Pull(slices.Values(s))  for v := range slices.Values(s)
//	atomic.StoreUint64(&s[0], v)               err := mmap.AtomicStore(m, off, v)
//
// A map whose keys are strings in the memory is unusable after a fault in an
// assignment to it. The pipes are those of [io.Pipe] and [net.Pipe], whose reader
// copies; rand is crypto/rand. The last line is for read-only memory and for programs
// built with -race, where atomic operations are the race detector's: if the memory goes
// in the very instant, AtomicStore doesn't help there either.
func (m *Mapping) Borrow(f func(b []byte) error) (err error) {
	if m.isZero() {
		return m.fail(breezeway.OpBorrow, errZero)
	}
	if !m.borrows.enter() {
		return m.fail(breezeway.OpBorrow, os.ErrClosed)
	}
	defer m.borrows.leave()
	if !m.guarded && !m.readOnly {
		return f(m.b)
	}
	defer m.rescue(debug.SetPanicOnFault(true), breezeway.OpBorrow, &err)
	return f(m.b)
}

// check returns an error unless the n bytes from off on lie within the mapping.
func (m *Mapping) check(off, n int) error {
	if off < 0 || n < 0 || off > len(m.b) || n > len(m.b)-off {
		return fmt.Errorf("offset %d and length %d reach beyond the mapping's %d bytes (%w)", off, n, len(m.b), os.ErrInvalid)
	}
	return nil
}

// during runs call on the whole pages that hold the n bytes from off on, and
// keeps Close out meanwhile.
func (m *Mapping) during(op string, off, n int, call func(pages []byte) error) error {
	if m.isZero() {
		return m.fail(op, errZero)
	}
	if !m.borrows.enter() {
		return m.fail(op, os.ErrClosed)
	}
	defer m.borrows.leave()
	err := m.check(off, n)
	if err == nil && n > 0 {
		start := m.lead + off
		page := start &^ (os.Getpagesize() - 1)
		err = call(m.whole[page : start+n])
	}
	return m.fail(op, err)
}

// Flush writes what was changed in the n bytes from off on to the file's
// storage, and waits until it is there. Other processes see changes without it.
// A copy-on-write or read-only mapping has nothing to flush.
func (m *Mapping) Flush(off, n int) error {
	return m.during(breezeway.OpFlush, off, n, func(pages []byte) error {
		if m.readOnly || m.private {
			return nil
		}
		return m.flush(pages)
	})
}

// Advise tells the system how the n bytes from off on will be used. It fails
// with [errors.ErrUnsupported] where the system takes no such advice, and with
// [os.ErrInvalid] for what is no Advice and for DontNeed on a copy-on-write mapping.
func (m *Mapping) Advise(off, n int, a Advice) error {
	return m.during(breezeway.OpAdvise, off, n, func(pages []byte) error {
		if err := a.check(); err != nil {
			return err
		}
		if a == DontNeed && m.private {
			return errLosesCopies
		}
		return sys.Advise(pages, sys.Advice(a))
	})
}

// Lock reads the whole mapping into RAM and keeps it there, so that it is never
// paged out, until Unlock or Close. The system bounds how much a process may
// lock; the error names the limit.
func (m *Mapping) Lock() error {
	return m.during(breezeway.OpLock, 0, m.Len(), func(pages []byte) error {
		return explainLock(sys.LockMemory(pages), len(pages))
	})
}

// Unlock undoes Lock.
func (m *Mapping) Unlock() error {
	return m.during(breezeway.OpUnlock, 0, m.Len(), sys.UnlockMemory)
}

// Close ends the mapping and frees its memory at once. What was written stays in
// the file, and other processes' mappings of it are not affected. Closing again
// does nothing and returns the same error.
//
// Close waits for the functions in [Mapping.Borrow]; while it does, other
// Borrows fail already. Accessors that are in progress in other goroutines end
// with [os.ErrClosed] or as if they had been earlier.
//
// Close needs no memory and no descriptor. It fails in a process that has as many mappings
// as the system allows it (vm.max_map_count on Linux); the memory then goes when the
// collector finds the Mapping unreachable.
//
// One Close in many starts a garbage collection, so that the addresses of closed Mappings
// don't use up those of the process.
func (m *Mapping) Close() error {
	if m.isZero() {
		return m.fail(breezeway.OpClose, errZero)
	}
	m.closing.Do(func() {
		m.borrows.close()
		m.calls.close()
		m.closeErr = m.fail(breezeway.OpClose, m.free())
	})
	return m.closeErr
}

func unmap(whole []byte) {
	if len(whole) > 0 {
		sys.Unmap(whole)
	}
}
