package liveness

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

func newTable(t *testing.T, n int) *Table {
	t.Helper()
	f := newFile(t)
	table, err := tableIn(f, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.mapping.Close() })
	return table.Table
}

type mappedTable struct {
	*Table
	mapping *mmap.Mapping
}

func tableIn(f *os.File, n int) (mappedTable, error) {
	m, err := mmap.Map(f, &mmap.Config{Capacity: 4096})
	if err != nil {
		return mappedTable{}, err
	}
	entries, err := mmap.Slice[Entry](m, 0, n)
	return mappedTable{NewTable(f, 0, entries), m}, err
}

// member joins the table in the file Args[0], with two slots, holds something and
// says which member it is.
var member = ipctest.Helper("member", func(c *ipctest.Control) error {
	f, err := os.OpenFile(c.Args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	table, err := tableIn(f, 2)
	if err != nil {
		return err
	}
	defer table.mapping.Close()
	m, err := table.Join(func(m *Member) error {
		c.Say("finds %d", uint32(m.Entry.State.Load()))
		return nil
	})
	if err != nil {
		return err
	}
	m.Entry.State.Add(7)
	c.Say("slot %d generation %d", m.Holder.Slot(), Generation(m.Entry.State.Load()))
	c.Hear()
	return m.Leave()
})

func wantLives(t *testing.T, table *Table, h Holder, want bool) {
	t.Helper()
	if err := table.Check(h); err != nil {
		t.Fatal(err)
	}
	if lives, err := table.Lives(h); lives != want || err != nil {
		t.Errorf("%#x lives: %v, %v", uint32(h), lives, err)
	}
}

func TestTable(t *testing.T) {
	table := newTable(t, 2)
	me, err := table.Join(func(*Member) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	wantLives(t, table, me.Holder, true)
	if st := me.Entry.PID.Load(); int(st) != os.Getpid() {
		t.Errorf("pid %d", st)
	}

	p := ipctest.Start(t, member, table.file.Name())
	p.Expect("finds 0")
	p.Expect("slot 1 generation 1")
	other := holderOf(1, 1)
	wantLives(t, table, other, true)
	if table.PID(other) != p.Process.Pid {
		t.Errorf("pid %d", table.PID(other))
	}
	if _, err := table.Join(nil); !errors.Is(err, breezeway.ErrTooLarge) || !strings.Contains(err.Error(), "2 times") {
		t.Errorf("a full table: %v", err)
	}
	p.Kill()
	wantLives(t, table, other, false)

	// The next one in the slot finds what the dead one held, and is not taken
	// for it.
	next := ipctest.Start(t, member, table.file.Name())
	next.Expect("finds 7")
	next.Expect("slot 1 generation 2")
	wantLives(t, table, other, false)
	if !table.IsPast(other) {
		t.Error("the dead one passes for the next")
	}
	wantLives(t, table, holderOf(1, 2), true)
	next.Say("end")
	next.Wait()
	wantLives(t, table, holderOf(1, 2), false)

	if err := me.Leave(); err != nil {
		t.Error(err)
	}
	wantLives(t, table, me.Holder, false)
	wantLives(t, table, Dead, false)
}

// Join that could not recover leaves the slot to the next, which does it again.
func TestTableRecoveryFails(t *testing.T) {
	table := newTable(t, 1)
	failure := errors.New("no")
	if _, err := table.Join(func(*Member) error { return failure }); !errors.Is(err, failure) {
		t.Error(err)
	}
	m, err := table.Join(func(m *Member) error {
		if g := Generation(m.Entry.State.Load()); g != 2 {
			t.Errorf("generation %d", g)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Leave(); err != nil {
		t.Error(err)
	}
}

func TestTableRefusesNonsense(t *testing.T) {
	table := newTable(t, 2)
	for _, h := range []Holder{3, 0xfffe, 0x10003} {
		if err := table.Check(h); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%#x: %v", uint32(h), err)
		}
	}
}

// Generations come round: the lower half is what a Holder keeps.
func TestGenerationsComeRound(t *testing.T) {
	table := newTable(t, 1)
	table.entries[0].State.Store(0xffff<<32 | 5)
	m, err := table.Join(func(*Member) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Leave()
	if state := m.Entry.State.Load(); state != 0x10000<<32|5 {
		t.Errorf("state %#x", state)
	}
	wantLives(t, table, m.Holder, true)
	wantLives(t, table, holderOf(0, 0xffff), false)
}
