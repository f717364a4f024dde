package robust

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// newOwners returns an owner word as two living members see it, and a holder that
// is dead.
func newOwners(t *testing.T) (a, b *Owner, dead uint64) {
	t.Helper()
	o := newObject(t, 3)
	other := mustOpen(t, Open, 0, o.Name, &Config{})
	gone := mustOpen(t, Open, 0, o.Name, &Config{})
	dead = uint64(gone.Me.Holder)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	return &o.Owner, &other.Owner, dead
}

func TestOwnerTake(t *testing.T) {
	a, b, dead := newOwners(t)
	for what, c := range map[string]struct {
		word      uint64
		flags     uint64
		how       Taken
		recovered bool
	}{
		"free":                            {0, 0, Free, false},
		"free after many":                 {41 * Once, 0, Free, false},
		"the count comes round":           {^uint64(Once - 1), 0, Free, false},
		"free and recovered":              {Recovered, 0, Free, true},
		"held":                            {uint64(b.me), 0, Busy, false},
		"held by this process":            {uint64(a.me), 0, Busy, false},
		"dead":                            {dead, 0, Stolen, true},
		"dead and recovered before":       {dead | Recovered, 0, Stolen, true},
		"dead and pending":                {dead | Pending, 0, Free, false},
		"dead, pending and recovered":     {dead | Pending | Recovered, 0, Free, true},
		"known to be dead":                {uint64(liveness.Dead), 0, Stolen, true},
		"pending from free":               {0, Pending, Free, false},
		"pending from dead":               {dead, Pending, Stolen, true},
		"an earlier generation of a slot": {uint64(b.me) ^ 1<<16, 0, Stolen, true},
	} {
		a.Word.Store(c.word)
		ticket, how, err := a.Take(c.flags, true)
		if how != c.how || err != nil {
			t.Errorf("%s: %v, %v", what, how, err)
			continue
		}
		word := a.Word.Load()
		if how == Busy {
			if word != c.word {
				t.Errorf("%s: it was changed to %#x", what, word)
			}
			continue
		}
		want := c.word&^(Once-1) + Once | uint64(a.me) | c.flags
		if c.recovered {
			want |= Recovered
		}
		if word != ticket || word != want {
			t.Errorf("%s: ticket %#x, word %#x, want %#x", what, ticket, word, want)
		}
	}
	for _, nonsense := range []uint64{4, MaxSlots + 1, 0xfffe} { // slots that aren't there
		a.Word.Store(nonsense)
		_, _, err := a.Take(0, true)
		wantIs(t, err, breezeway.ErrMismatch)
		if a.Word.Load() != nonsense {
			t.Error("what is damaged was changed")
		}
	}
}

// Without asking the kernel a holder is dead only if its slot has another
// generation.
func TestOwnerTakeWithoutCheck(t *testing.T) {
	a, _, dead := newOwners(t)
	a.Word.Store(dead)
	if _, how, err := a.Take(0, false); how != Busy || err != nil {
		t.Errorf("taken without knowing: %v, %v", how, err)
	}
	a.Word.Store(dead ^ 1<<16)
	if _, how, err := a.Take(0, false); how != Stolen || err != nil {
		t.Errorf("%v, %v", how, err)
	}
}

func TestOwnerGivesOnlyWhatItsTicketStandsFor(t *testing.T) {
	a, b, dead := newOwners(t)
	for what, c := range map[string]struct {
		start uint64
		do    func(ticket uint64) bool
		want  bool
		flags uint64 // left over
	}{
		"Give":                   {0, a.Give, true, 0},
		"Give what is recovered": {dead, a.Give, true, Recovered},
		"Give once marked":       {dead, func(k uint64) bool { return a.Mark(k) && a.Give(k) }, true, 0},
		"Give twice":             {0, func(k uint64) bool { a.Give(k); return a.Give(k) }, false, 0},
		"Give an old ticket":     {0, func(k uint64) bool { return a.Give(k - Once) }, false, 0},
		"Give another's":         {0, func(k uint64) bool { return b.Give(k&^HolderBits | uint64(b.me)) }, false, 0},
		"Mark":                   {dead, a.Mark, true, 0},
		"Mark twice":             {dead, func(k uint64) bool { a.Mark(k); return a.Mark(k) }, true, 0},
		"Mark nothing":           {0, a.Mark, true, 0},
		"Mark what was given":    {dead, func(k uint64) bool { a.Give(k); return a.Mark(k) }, false, Recovered},
		"Bury a living":          {0, func(k uint64) bool { return a.Bury(k + Once) }, false, 0},
	} {
		a.Word.Store(c.start)
		ticket, _, err := a.Take(0, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.do(ticket); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
		if flags := a.Word.Load() & (Recovered | Pending); flags != c.flags {
			t.Errorf("%s: flags %#x are left, want %#x", what, flags, c.flags)
		}
	}
}

func TestOwnerSettlesOnce(t *testing.T) {
	a, _, _ := newOwners(t)
	pending, _, err := a.Take(Pending, true)
	if err != nil {
		t.Fatal(err)
	}
	ticket, ok := a.Settle(pending)
	if !ok || ticket != pending&^Pending || !a.Has(ticket) {
		t.Errorf("%#x became %#x, %v", pending, ticket, ok)
	}
	if _, ok := a.Settle(pending); ok || a.Give(pending) {
		t.Error("the ticket of before still stands for something")
	}
	if !a.Give(ticket) || a.Has(ticket) {
		t.Error("it could not be given up")
	}
}

func TestOwnerBury(t *testing.T) {
	a, _, dead := newOwners(t)
	for word, want := range map[uint64]uint64{
		dead:                       Recovered,
		dead | Pending:             0,
		dead | Recovered:           Recovered,
		dead | Pending | Recovered: Recovered,
		dead | 5*Once:              Recovered | 5*Once,
	} {
		a.Word.Store(word)
		if !a.Bury(word) || a.Word.Load() != want {
			t.Errorf("%#x became %#x, want %#x", word, a.Word.Load(), want)
		}
		if a.Bury(word) {
			t.Errorf("%#x was buried twice", word)
		}
	}
}

func TestOwnerJoinDisownsItsSlotsPast(t *testing.T) {
	o := newObject(t, 3)
	past := uint64(o.Me.Holder) ^ 1<<16
	for word, want := range map[uint64]uint64{
		0:                         0,
		past:                      uint64(liveness.Dead),
		past | Recovered | 3*Once: uint64(liveness.Dead) | Recovered | 3*Once,
		uint64(o.Me.Holder):       uint64(liveness.Dead),
		2:                         2, // another slot
	} {
		w := new(atomic.Uint64)
		w.Store(word)
		var owner Owner
		owner.Init(w, o.Slots)
		if named := owner.Join(o.Me); named != (word != want) || w.Load() != want {
			t.Errorf("%#x became %#x, %v; want %#x", word, w.Load(), named, want)
		}
	}
}

// A removed word is taken by no process, and given up as any other: the bit stays.
func TestOwnerOfWhatIsRemoved(t *testing.T) {
	a, b, dead := newOwners(t)
	for what, word := range map[string]uint64{
		"free": 0, "held": uint64(b.me), "dead": dead, "dead and pending": dead | Pending, "recovered": Recovered, "after many": 5 * Once,
	} {
		word |= Removed
		a.Word.Store(word)
		if _, ok := a.TakeFree(0); ok {
			t.Errorf("%s: TakeFree took it", what)
		}
		if _, how, err := a.Take(0, true); how != Busy || !errors.Is(err, breezeway.ErrRemoved) || a.Word.Load() != word {
			t.Errorf("%s: %v, %v, %#x", what, how, err, a.Word.Load())
		}
	}
	for what, c := range map[string]struct {
		start uint64
		do    func(ticket uint64) bool
		left  uint64 // flags
	}{
		"Give":             {0, a.Give, 0},
		"Give recovered":   {dead, a.Give, Recovered},
		"Give once marked": {dead, func(k uint64) bool { return a.Mark(k) && a.Give(k) }, 0},
		"Abandon":          {0, a.Abandon, Recovered},
		"Has":              {0, func(k uint64) bool { return a.Has(k) && a.Give(k) && !a.Has(k) }, 0},
		"Bury":             {0, func(k uint64) bool { return a.Bury(k | Removed) }, Recovered},
	} {
		a.Word.Store(c.start)
		ticket, _, err := a.Take(0, true)
		if err != nil {
			t.Fatal(err)
		}
		a.Word.Or(Removed)
		if !c.do(ticket) || !a.WasRemoved() {
			t.Errorf("%s fails, or clears the bit", what)
		}
		if w := a.Word.Load(); w&(Recovered|Pending) != c.left || w&HolderBits != 0 {
			t.Errorf("%s: %#x is left", what, w)
		}
		if a.Give(ticket) {
			t.Errorf("%s: given up twice", what)
		}
	}
}
