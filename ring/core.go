package ring

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// core is a ring that this process has open, whatever its messages are.
type core struct {
	o   *robust.Object
	set settings

	made  fixed // private copy: bounds for what stands in shared memory
	h     *head
	lines []line
	cells cells

	sender        robust.Owner
	owners        []robust.Owner // of lines
	lock          robust.Section
	arrived, room *wait.Gate
}

const kind = "ring"

func advice() fail.Advice {
	return fail.Advice{
		What: "ring", Create: "ring.Create", Open: "ring.Open", Remove: "ring.Remove",
		Scheme: kind, Creatable: true, Removable: true,
	}
}

// open creates or opens a ring of a record.
func open(mode robust.OpenMode, name string, r record, err error, cfg *Config) (*core, error) {
	var s settings
	if err == nil {
		s, err = cfg.settings(r)
	}
	var c *core
	if err == nil {
		c, err = openAs(mode, name, r, s)
	}
	if err != nil {
		return nil, fail.With(mode.Op(), kind, name, advice().Explain(mode.Op(), name, err))
	}
	return c, nil
}

// anyRecord is that of a ring that is opened for its Stats.
var anyRecord = record{}

func openAs(mode robust.OpenMode, name string, r record, s settings) (*core, error) {
	if err := breezeway.CheckName(name); err != nil {
		return nil, err
	}
	f := s.fixed(r)
	cfg := s.robust()
	cfg.Fill = func(w io.WriterAt) error { return f.fill(w, s.Slots, r.description) }
	c := &core{set: s}
	init := func(o *robust.Object) error { return c.init(o, r) }
	if err := robust.Attach(mode, layoutOf(s.Slots, f.body()), name, cfg, init); err != nil {
		return nil, err
	}
	if mode == robust.OpenOrCreate && !c.o.Created {
		if err := s.differs(&c.made, r); err != nil {
			return nil, errors.Join(err, c.o.Close())
		}
	}
	if !s.observe {
		barrier.Register()
	}
	return c, nil
}

// init finds the ring in o.
func (c *core) init(o *robust.Object, r record) (err error) {
	c.o = o
	if c.h, err = robust.Head[head](o); err != nil {
		return err
	}
	c.made = c.h.fixed
	if err := c.made.check(o.Layout().Body); err != nil {
		return err
	}
	if err := c.checkType(r); err != nil {
		return err
	}
	if c.lines, err = robust.Body[line](o, c.made.linesAt(), int(c.made.Receivers)); err != nil {
		return err
	}
	b, err := robust.Body[byte](o, c.made.cellsAt(), int(c.made.Cells)*int(c.made.CellSize))
	if err != nil {
		return err
	}
	c.cells = cellsIn(b, &c.made)
	if c.arrived, err = o.Gate(&c.h.arrived); err != nil {
		return err
	}
	if c.room, err = o.Gate(&c.h.room); err != nil {
		return err
	}
	if err := c.lock.InitAt(o, &c.h.lock); err != nil {
		return err
	}
	c.lock.Repair = func() error { return nil } // what it does can be repeated
	c.sender.Init(&c.h.sender, o.Slots)
	c.owners = make([]robust.Owner, len(c.lines))
	for i := range c.lines {
		c.owners[i].Init(&c.lines[i].receiver, o.Slots)
	}
	return o.Join(c.join)
}

// checkType fails unless the ring's messages are those of r.
func (c *core) checkType(r record) error {
	text, err := robust.Body[byte](c.o, 0, int(c.made.TypeSize))
	if err != nil {
		return err
	}
	found := string(text)
	if r == anyRecord || found == r.description {
		return nil
	}
	switch bytesType {
	case found:
		return fmt.Errorf("it is a ring of bytes, not of values of one type (%w)", breezeway.ErrMismatch)
	case r.description:
		return fmt.Errorf("it is a ring of values of one type, not of bytes (%w)", breezeway.ErrMismatch)
	}
	err = (&layout.Header{Type: r.description}).Accept(&layout.Header{Type: found}, false)
	if err == nil {
		err = errDamaged
	}
	return err
}

// join takes back what the past holder of this process's slot held.
func (c *core) join(m *liveness.Member) error {
	c.lock.JoinAs(m)
	c.sender.Join(m)
	for i := range c.owners {
		c.owners[i].Join(m)
	}
	if c.made.Shape != uint32(ManyToOne) {
		return nil
	}
	return c.disown(m.Holder)
}

func (c *core) isZero() bool { return c == nil || c.o == nil }

var errZero = fmt.Errorf("there is no ring; make it with a function of package ring (%w)", os.ErrInvalid)

func (c *core) fail(op string, err error) error {
	if c.isZero() {
		return fail.With(op, kind, "", errZero)
	}
	return c.o.Fail(op, err)
}

// cellsFor returns how many cells the record of a message takes.
func (c *core) cellsFor(size int) uint64 {
	if !c.made.variable() {
		return 1
	}
	return cellsOf(size)
}

// cellsOf returns how many cells a message of bytes takes.
func cellsOf(size int) uint64 { return (uint64(size) + wordSize + byteCell - 1) / byteCell }

// ahead is how many cells after a record must be free, too: where messages have a size
// each, the word after the record is cleared before the record is there.
func (c *core) ahead() uint64 {
	if c.made.variable() {
		return 1
	}
	return 0
}

// length returns how many cells the record with this word takes, which is not being
// written. It fails if the word says what can't be.
func (c *core) length(w word) (uint64, error) {
	n := w.size()
	if w.state() == ready {
		if n > uint64(c.made.maxMessage()) || !c.made.variable() && n != uint64(c.made.Size) {
			return 0, errDamaged
		}
		n = c.cellsFor(int(n))
	}
	if n < 1 || n > c.made.Cells {
		return 0, errDamaged
	}
	return n, nil
}

// checkRemoved fails if the ring was removed.
func (c *core) checkRemoved() error {
	if c.sender.WasRemoved() {
		return robust.ErrRemoved
	}
	return nil
}

func (c *core) wakeReceivers() { c.arrived.Wake(wait.All) }
func (c *core) wakeSenders()   { c.room.Wake(wait.All) }

// close ends the use of the ring in this process.
func (c *core) close() error {
	if c.isZero() {
		return c.fail(breezeway.OpClose, nil)
	}
	return c.o.Close()
}

// warn logs what no call returns.
func (c *core) warn(text string, args ...any) {
	c.o.Log.Warn(text, append([]any{slog.String("kind", kind), slog.String("name", c.o.Name)}, args...)...)
}

// errDamaged is returned where a word in shared memory is out of range.
var errDamaged = fmt.Errorf("it was overwritten; remove it and create it anew (%w)", breezeway.ErrMismatch)

// typeRecord returns the record of T.
func typeRecord[T any]() (record, error) { return recordOf(reflect.TypeFor[T]()) }

func (c *core) name() string {
	if c.isZero() {
		return ""
	}
	return c.o.Name
}

func (c *core) created() bool { return !c.isZero() && c.o.Created }

var errNoSide = fmt.Errorf("there is no sender or receiver; make it with a method of a ring (%w)", os.ErrInvalid)

// failSide makes the error of an operation of a sender or receiver.
func failSide(zero bool, c *core, op string, err error) error {
	switch {
	case zero:
		return fail.With(op, kind, "", errNoSide)
	case err == nil:
		return nil
	}
	return c.fail(op, err)
}
