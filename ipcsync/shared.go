package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Our own layouts: the header of package layout, a cache line that is the
// object's, and a table of slots.
const (
	cacheLine = 64
	headSize  = cacheLine
	slotCount = 504 // so that an object has two pages
	entrySize = 16
	payload   = headSize + slotCount*entrySize
)

var _ = [entrySize]byte{} == [unsafe.Sizeof(liveness.Entry{})]byte{}

// Size is how many bytes an object takes in a [Place].
const Size = cacheLine + payload

// layoutVersion is that of all kinds.
const layoutVersion = 1

func headerOf(kind string) *layout.Header {
	return &layout.Header{Kind: kind, Version: layoutVersion, Reader: layoutVersion, Writer: layoutVersion, Payload: payload}
}

// how is a way to come to an object.
type how int

const (
	create how = iota
	open
	openOrCreate
)

func (h how) String() string { return [...]string{"create", "open", "open or create"}[h] }

// shared is an object of our own layout that this process uses, and its slot
// there.
type shared struct {
	kind, name string
	created    bool
	access     access.Rule
	log        *slog.Logger

	*mmap.Mapping
	file  *os.File
	named bool // rather than in a Place
	start int  // of the payload
	// direct says that the memory may be touched without protection: nobody
	// takes it away, Close leaves zeros in its place.
	direct bool

	slotTable *liveness.Table
	member    *liveness.Member

	gates   []*wait.Gate
	closed  atomic.Bool
	closing sync.Once
	err     error // of Close

	order
}

// attach comes to the named object of a kind.
func attach(h how, kind, name string, cfg *Config, fill func(io.WriterAt) error) (*shared, error) {
	set, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	spec := object.Spec{Header: headerOf(kind), Name: name, Scope: set.Scope, Access: set.access, Fill: fill}
	var m *object.Mapped
	switch h {
	case create:
		m, err = spec.Create()
	case open:
		m, err = spec.Open()
	default:
		m, err = spec.OpenOrCreate()
	}
	if err != nil {
		return nil, err
	}
	s := &shared{
		kind: kind, name: name, created: m.Created, access: set.access, log: set.Logger,
		Mapping: m.Mapping, file: m.File, named: true, start: m.Start,
		direct: m.Trusted && runtime.GOOS != "windows",
	}
	return s, s.prepare()
}

// attachAt comes to the object of a kind in a place.
func attachAt(h how, kind string, p Place, cfg *Config, fill func(io.WriterAt) error) (*shared, error) {
	set, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	header := headerOf(kind)
	f, m, err := p.mapped(header.Total())
	if err != nil {
		return nil, err
	}
	s := &shared{
		kind: kind, name: p.String(), created: h == create, access: set.access, log: set.Logger,
		Mapping: m, file: f, start: int(header.Size()),
		direct: m.Fixed() && runtime.GOOS != "windows",
	}
	if h == create {
		err = createIn(m, header, fill)
	} else {
		err = checkIn(m, header)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, s.prepare()
}

// prepare finds the slots.
func (s *shared) prepare() error {
	entries, err := mmap.Slice[liveness.Entry](s.Mapping, s.start+headSize, slotCount)
	if err != nil {
		s.Close()
		return err
	}
	s.slotTable = liveness.NewTable(s.file, s.Offset(), entries)
	return nil
}

// head returns the object's own cache line.
func head[T any](s *shared) (*T, error) {
	h, err := mmap.View[T](s.Mapping, s.start)
	if err != nil {
		s.Close()
	}
	return h, err
}

// gate makes a gate of a word in the head.
func (s *shared) gate(word *uint32) (*wait.Gate, error) {
	at := int64(uintptr(unsafe.Pointer(word)) - uintptr(unsafe.Pointer(unsafe.SliceData(s.Bytes()))))
	name, err := wait.EventName(s.file, s.Offset()+at)
	if err != nil {
		s.Close()
		return nil, err
	}
	g := wait.NewGate(word, wait.Name{Word: name, Access: s.access})
	g.WatchFile(s.file)
	s.gates = append(s.gates, g)
	return g, nil
}

// join takes a slot; see [liveness.Table.Join].
func (s *shared) join(recover func(*liveness.Member) error) error {
	err := s.Borrow(func([]byte) (err error) {
		s.member, err = s.slotTable.Join(recover)
		return err
	})
	if err != nil {
		s.Close()
		return err
	}
	for _, g := range s.gates {
		g.CountIn(&s.member.Entry.Waiting)
	}
	return nil
}

// wait waits at a gate until try takes what it waits for. try is told to check
// when it is to look after what nobody is woken for.
func (s *shared) wait(ctx context.Context, g *wait.Gate, c *claim, try func(check bool) (bool, error)) error {
	return s.use(func() error {
		return g.Wait(ctx, func(check bool) (bool, error) {
			if check && s.named {
				if err := checkRemoved(s.file); err != nil {
					return false, err
				}
			}
			return c.take(func() (bool, error) { return try(check) })
		})
	})
}

// use calls f with the memory protected, and Close waits for it.
func (s *shared) use(f func() error) error {
	return s.Borrow(func([]byte) error {
		if s.closed.Load() {
			return os.ErrClosed
		}
		return f()
	})
}

// checkRemoved returns an error if nobody finds the file of an object any more.
func checkRemoved(f *os.File) error {
	removed, err := object.IsRemoved(f)
	if err == nil && removed {
		err = fmt.Errorf("others don't find it any more; close it, and open or create it again (%w)", breezeway.ErrRemoved)
	}
	return err
}

// waiters counts those who wait in living processes.
func (s *shared) waiters() (n int, err error) {
	err = s.slots(func(e *liveness.Entry) bool { return e.Waiting.Load() > 0 }, func(e *liveness.Entry) {
		n += int(e.Waiting.Load())
	})
	return n, err
}

// slots calls f with the entries that wanted admits and that a living process
// has.
func (s *shared) slots(wanted func(*liveness.Entry) bool, f func(*liveness.Entry)) error {
	for i := range s.slotTable.Entries() {
		e := &s.slotTable.Entries()[i]
		if !wanted(e) {
			continue
		}
		taken, err := s.slotTable.IsTaken(i)
		if err != nil {
			return err
		}
		if taken {
			f(e)
		}
	}
	return nil
}

// fail puts an error of an operation into our words.
func (s *shared) fail(op string, err error) error {
	if s.closed.Load() {
		err = os.ErrClosed // whatever it met in the memory
	}
	return failed(s.kind, op, s.name, err)
}

// Close wakes the waiters of this process and waits for whoever is busy in the
// protected memory. Who is late where it needs no protection meets private zeros.
// Only then is the slot given up, so that nobody changes anything in its name who
// is not its holder any more.
func (s *shared) Close() error {
	s.closing.Do(func() {
		s.closed.Store(true)
		for _, g := range s.gates {
			g.Close()
		}
		err := s.Mapping.Close()
		if s.member != nil {
			err = errors.Join(err, s.member.Leave())
		}
		s.err = failed(s.kind, "close", s.name, errors.Join(err, s.file.Close()))
	})
	return s.err
}

// removeShared removes the object name of a kind.
func removeShared(kind, name string, cfg *Config) error {
	set, err := cfg.settings()
	if err != nil {
		return err
	}
	spec := object.Spec{Header: headerOf(kind), Name: name, Scope: set.Scope}
	return spec.Remove()
}
