package robust

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Object is a shared object that this process has open, and its slot there.
type Object struct {
	Kind, Name string // as errors name it
	Created    bool   // by the call that opened it
	Log        *slog.Logger

	// Direct says that calls may touch the memory without protection: package fault
	// reports that it can't fault, and Close replaces it by zeros. After such a call
	// has touched the memory it calls Closed.
	Direct bool

	Slots *liveness.Table
	Me    *liveness.Member // nil until Join

	layout  Layout
	mapping *mmap.Mapping
	file    *os.File
	named   bool // rather than in a Place
	start   int  // of the head
	observe bool // takes no slot
	access  access.Rule

	gates   []*wait.Gate
	gatesAt []int // in mapping
	closed  atomic.Bool
	closing sync.Once
	err     error // of Close

	Order
}

// Attach creates or opens an object of a layout, and calls init, which finds the
// object's words, makes its gates, and calls Join. If init fails, Attach closes the
// object.
//
// An object that exists keeps its creator's number of slots and size of the body.
// OpenOrCreate fails with [breezeway.ErrMismatch] if l.Slots is not 0 and the object
// has another number of slots.
func Attach(mode OpenMode, l Layout, name string, cfg *Config, init func(*Object) error) error {
	o, err := attach(mode, l, name, cfg)
	if err != nil {
		return err
	}
	// Protected, since to take the address of a word may touch it.
	if err := o.mapping.Borrow(func([]byte) error { return init(o) }); err != nil {
		return errors.Join(err, o.discard())
	}
	return nil
}

// discard closes an object that could not be prepared, and takes it away if this
// process has just created it. If others have joined it, it stays, since its removed
// bit would end their use. A kind without that bit has told them in its own way.
func (o *Object) discard() (err error) {
	switch {
	case !o.Created, o.layout.Removed != 0 && o.InUse():
	case o.named:
		if err = o.takeAway(); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	default:
		err = mmap.AtomicStore[uint64](o.mapping, 0, Unfinished)
	}
	return errors.Join(err, o.Close())
}

// InUse reports whether a slot is taken, other than this process's.
func (o *Object) InUse() bool {
	if o.Slots == nil {
		return false
	}
	for i := range o.Slots.Entries() {
		if o.Me != nil && o.Me.Holder.Slot() == i {
			continue
		}
		if taken, err := o.Slots.IsTaken(i); taken && err == nil {
			return true
		}
	}
	return false
}

func attach(mode OpenMode, l Layout, name string, cfg *Config) (*Object, error) {
	wanted := l.Slots
	l, err := l.normal()
	if err != nil {
		return nil, err
	}
	o := &Object{Kind: l.Kind, Name: name, Log: cfg.Log, access: cfg.Access, observe: cfg.Observe}
	if cfg.At != (Place{}) {
		err = o.openAt(mode, l, cfg)
	} else {
		err = o.openNamed(mode, l, cfg)
	}
	if err != nil {
		return nil, err
	}
	if mode == OpenOrCreate && wanted != 0 && wanted != o.layout.Slots && !cfg.AnySlots {
		err = fmt.Errorf("it may be open %d times, not %d as %s says (%w)", o.layout.Slots, wanted, fail.Go("Config.Slots"), breezeway.ErrMismatch)
	}
	if err == nil {
		err = o.findSlots()
	}
	if err != nil {
		return nil, errors.Join(err, o.discard())
	}
	return o, nil
}

func (o *Object) openNamed(mode OpenMode, l Layout, cfg *Config) error {
	spec := object.Spec{Header: l.header(), AnySize: true, Locks: true, Name: o.Name, Scope: cfg.Scope, Access: cfg.Access, Fill: cfg.Fill}
	m, err := l.open(mode, &spec)
	if err != nil {
		return err
	}
	o.mapping, o.file, o.start = m.Mapping, m.File, m.Start
	o.named, o.Created = true, m.Created
	o.Direct = !m.CanFault
	if o.layout, err = l.found(m.Header); err != nil {
		m.Close()
	}
	return err
}

func (o *Object) openAt(mode OpenMode, l Layout, cfg *Config) error {
	if err := cfg.At.check(); err != nil {
		return err
	}
	header := l.header()
	if mode == Open {
		found, err := cfg.At.header()
		if err == nil {
			err = header.Accept(found, true)
		}
		if err == nil {
			l, err = l.found(found)
		}
		if err != nil {
			return err
		}
		header = found
	}
	f, m, err := cfg.At.Map(header.Total())
	if err != nil {
		return err
	}
	if mode == Create {
		if err := createIn(m, header, cfg.Fill); err != nil {
			return errors.Join(err, m.Close(), f.Close())
		}
	}
	o.mapping, o.file, o.start, o.layout = m, f, int(header.Size()), l
	o.Name, o.Created = cfg.At.String(), mode == Create
	o.Direct = m.Fixed()
	return nil
}

func (o *Object) findSlots() error {
	entries, err := mmap.Slice[liveness.Entry](o.mapping, o.start+o.layout.Head, o.layout.Slots)
	if err != nil {
		return err
	}
	o.Slots = liveness.NewTable(o.file, o.mapping.Offset(), entries)
	return nil
}

// File returns the object's file, which Close closes.
func (o *Object) File() *os.File { return o.file }

// Layout returns the object's layout, with its creator's slots and body.
func (o *Object) Layout() Layout { return o.layout }

// Head returns the object's own words.
func Head[T any](o *Object) (*T, error) { return mmap.View[T](o.mapping, o.start) }

// Body returns n values of the body, from byte off of it on.
func Body[T any](o *Object, off, n int) ([]T, error) {
	return mmap.Slice[T](o.mapping, o.start+int(o.layout.body())+off, n)
}

// Gate makes a gate of a word in the object. It must be called before Join.
func (o *Object) Gate(word *uint32) (*wait.Gate, error) {
	at := int64(uintptr(unsafe.Pointer(word)) - uintptr(unsafe.Pointer(unsafe.SliceData(o.mapping.Bytes()))))
	name, err := wait.EventName(o.file, o.mapping.Offset()+at)
	if err != nil {
		return nil, err
	}
	g := wait.NewGate(word, wait.Name{Word: name, Access: o.access})
	g.WatchFile(o.file)
	o.gates, o.gatesAt = append(o.gates, g), append(o.gatesAt, int(at))
	return g, nil
}

// Join takes a slot, and calls recover to take back what its past holder held; see
// [liveness.Table.Join]. If the object is only observed, Join does nothing.
func (o *Object) Join(recover func(*liveness.Member) error) error {
	if o.observe {
		return nil
	}
	err := o.mapping.Borrow(func([]byte) (err error) {
		o.Me, err = o.Slots.Join(recover)
		return err
	})
	if err != nil {
		return err
	}
	for _, g := range o.gates {
		g.CountIn(&o.Me.Entry.Waiting)
	}
	return nil
}

// Wait waits at a gate until try, called through the claim, has taken something. With
// check, try must also check what no wake-up announces.
func (o *Object) Wait(ctx context.Context, g *wait.Gate, c *Claim, try func(check bool) (bool, error)) error {
	return o.wait(ctx, g, c, true, try)
}

// wait is Wait. If it needs a name, it fails with ErrRemoved when the object has none.
func (o *Object) wait(ctx context.Context, g *wait.Gate, c *Claim, needsName bool, try func(check bool) (bool, error)) error {
	return o.Use(func() error {
		return g.Wait(ctx, func(check bool) (bool, error) {
			if check && needsName && o.named {
				if err := CheckRemoved(o.file); err != nil {
					return false, err
				}
			}
			if c == nil {
				return try(check)
			}
			return c.Take(func() (bool, error) { return try(check) })
		})
	})
}

// Use calls f with the memory protected. Close waits for it.
func (o *Object) Use(f func() error) error {
	return o.mapping.Borrow(func([]byte) error {
		if o.closed.Load() {
			return os.ErrClosed
		}
		return f()
	})
}

// Touch calls f, with the memory protected unless it is Direct.
func (o *Object) Touch(f func()) error {
	if o.Direct {
		f()
		return nil
	}
	return o.Use(func() error {
		f()
		return nil
	})
}

// CheckRemoved returns ErrRemoved if the file f of an object has lost its name.
func CheckRemoved(f *os.File) error {
	removed, err := object.IsRemoved(f)
	if err == nil && removed {
		err = ErrRemoved
	}
	return err
}

// Flush writes what was changed to the file's storage, and waits until it is there.
func (o *Object) Flush() error { return o.mapping.Flush(0, o.mapping.Len()) }

// IsRemoved reports whether the object's file has lost its name.
func (o *Object) IsRemoved() (bool, error) { return object.IsRemoved(o.file) }

// RemoveName removes the object's name, so that no other process finds the object. It fails
// with [fs.ErrNotExist] if the name doesn't lead to the object any more.
func (o *Object) RemoveName() error {
	unlinked, err := object.Unlink(o.file)
	if err == nil && !unlinked {
		err = &fail.AbsentError{Path: o.file.Name()}
	}
	return err
}

// Waiters counts the goroutines that wait in living processes.
func (o *Object) Waiters() (n int, err error) {
	err = o.EachLiving(func(e *liveness.Entry) bool { return e.Waiting.Load() > 0 }, func(e *liveness.Entry) {
		n += int(e.Waiting.Load())
	})
	return n, err
}

// EachLiving calls f with each slot that wanted reports true for and that a living
// process has. It asks the kernel only about these.
func (o *Object) EachLiving(wanted func(*liveness.Entry) bool, f func(*liveness.Entry)) error {
	for i := range o.Slots.Entries() {
		e := &o.Slots.Entries()[i]
		if !wanted(e) {
			continue
		}
		taken, err := o.Slots.IsTaken(i)
		if err != nil {
			return err
		}
		if taken {
			f(e)
		}
	}
	return nil
}

// Closed reports whether Close was called.
func (o *Object) Closed() bool { return o.closed.Load() }

// Shut makes every call fail from now on. Close does the rest.
func (o *Object) Shut() { o.closed.Store(true) }

// Fail makes the error of an operation.
func (o *Object) Fail(op string, err error) error {
	if err == nil {
		return nil
	}
	if o.closed.Load() {
		err = os.ErrClosed // err may come from the zeros that Close left
	}
	var below *breezeway.Error // of the mapping, which the caller doesn't know
	if errors.As(err, &below) && below.Kind != o.Kind {
		err = below.Err
	}
	return fail.With(op, o.Kind, o.Name, err)
}

// EndWaits is the first part of Close: every call fails from now on, and the waits of
// this process have ended when it returns.
func (o *Object) EndWaits() {
	o.Shut()
	for _, g := range o.gates {
		g.Close()
	}
}

// Close ends the use of the object: the waits of this process first, and its slot
// last, when this process can't change the object any more. See the package's
// overview for the order and its reasons.
func (o *Object) Close() error {
	o.closing.Do(func() {
		o.EndWaits()
		err := o.mapping.Close()
		o.wakeForLate()
		if o.Me != nil {
			err = errors.Join(err, o.Me.Leave())
		}
		o.err = o.closeFile(err)
	})
	return o.err
}

// wakeForLate makes up for the wake-ups of calls that Close has overtaken: they have
// changed the shared memory, and then looked for waiters in the zeros. If it fails,
// for lack of memory, the waiters find the change when they look again: that is no
// failure of Close.
func (o *Object) wakeForLate() {
	if !o.Direct || !o.somePark() {
		return
	}
	m, err := mmap.Map(o.file, &mmap.Config{Offset: o.mapping.Offset(), Length: int64(o.start + o.layout.Head)})
	if err != nil {
		return
	}
	defer m.Close()
	m.Borrow(func([]byte) error { return wakeGates(m, o.gatesAt) })
}

// wakeGates wakes all waiters at the gates whose words are at these offsets of m, which
// the caller has borrowed.
func wakeGates(m *mmap.Mapping, at []int) error {
	for _, at := range at {
		word, err := mmap.View[uint32](m, at)
		if err != nil {
			return err
		}
		wait.NewGate(word, wait.Name{}).Wake(wait.All)
	}
	return nil
}

// somePark reports whether waiters may be parked at a gate.
func (o *Object) somePark() bool {
	for _, at := range o.gatesAt {
		var word [4]byte
		if _, err := o.file.ReadAt(word[:], o.mapping.Offset()+int64(at)); err == nil && wait.MayPark(binary.NativeEndian.Uint32(word[:])) {
			return true
		}
	}
	return false
}

func (o *Object) closeFile(err error) error {
	return fail.With(breezeway.OpClose, o.Kind, o.Name, errors.Join(err, o.file.Close()))
}
