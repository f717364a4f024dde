package robust

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/mmap"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

// testLayout is the layout of a testObject.
func testLayout(slots int) Layout {
	return Layout{Kind: "test", Version: 1, Slots: slots, Body: 100}
}

// testObject is a mutex, and a section of two words that are equal.
type testObject struct {
	Section
	pair *[2]uint64
}

type testHead struct {
	MutexHead
	Pair [2]uint64
}

func openObject(mode OpenMode, slots int, name string, cfg *Config) (*testObject, error) {
	rule, err := access.New(0, nil, nil)
	if err != nil {
		return nil, err
	}
	cfg.Access = rule
	o := &testObject{}
	err = Attach(mode, testLayout(slots), name, cfg, func(shared *Object) error {
		h, err := Head[testHead](shared)
		if err != nil {
			return err
		}
		o.pair = &h.Pair
		if err := o.Init(shared); err != nil {
			return err
		}
		return o.Join(nil)
	})
	o.Repair = func() error {
		o.pair[1] = o.pair[0]
		return nil
	}
	return o, err
}

// mustOpen opens an object that is closed when the test is over.
func mustOpen(t testing.TB, mode OpenMode, slots int, name string, cfg *Config) *testObject {
	t.Helper()
	o, err := openObject(mode, slots, name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// newName returns a name whose object is removed when the test is over.
func newName(t testing.TB) string {
	t.Helper()
	name := ipctest.UniqueName()
	t.Cleanup(func() {
		if err := Remove("test", name, 0); err != nil && !errors.Is(err, fs.ErrNotExist) && !ipctest.UnderWine() {
			t.Error(err)
		}
	})
	return name
}

// newObject makes an object for one test.
func newObject(t testing.TB, slots int) *testObject {
	t.Helper()
	return mustOpen(t, Create, slots, newName(t), &Config{})
}

func wantIs(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error is %v, want %v", err, target)
	}
}

func mustLock(t testing.TB, o *testObject) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience/2)
	defer cancel()
	ticket, err := o.Lock(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// user opens the object Args[0] and does what it is told.
var user = ipctest.Helper("user", func(c *ipctest.Control) error {
	o, err := openObject(Open, 0, c.Args[0], &Config{})
	if err != nil {
		return err
	}
	c.AtEnd(func() { o.Close() })
	c.Say("slot %d", o.Me.Holder.Slot())
	for {
		switch c.Hear() {
		case "lock":
			if _, err := o.Lock(context.Background(), nil); err != nil {
				return err
			}
			c.Say("locked")
		case "stay half-way":
			err := o.Do(context.Background(), func() error {
				o.pair[0]++
				c.Say("half-way")
				select {} // until it is killed
			})
			return err
		}
	}
})

func TestAttachModes(t *testing.T) {
	name := newName(t)
	_, err := openObject(Open, 0, name, &Config{})
	wantIs(t, err, fs.ErrNotExist)
	o := mustOpen(t, OpenOrCreate, 7, name, &Config{})
	_, err = openObject(Create, 7, name, &Config{})
	wantIs(t, err, fs.ErrExist)
	for mode, slots := range map[OpenMode]int{Open: 3, OpenOrCreate: 0} {
		again := mustOpen(t, mode, slots, name, &Config{})
		if !o.Created || again.Created || !reflect.DeepEqual(again.Layout(), o.Layout()) || again.Layout().Slots != 7 {
			t.Errorf("%s: created %v, %+v", mode.Op(), again.Created, again.Layout())
		}
	}
	_, err = openObject(OpenOrCreate, 8, name, &Config{})
	wantIs(t, err, breezeway.ErrMismatch)
	for _, slots := range []int{-1, MaxSlots + 1} {
		_, err := openObject(Create, slots, ipctest.UniqueName(), &Config{})
		wantIs(t, err, os.ErrInvalid)
	}
}

func TestObserveTakesNoSlot(t *testing.T) {
	o := newObject(t, 1)
	_, err := openObject(Open, 0, o.Name, &Config{})
	wantIs(t, err, breezeway.ErrTooLarge)
	observer := mustOpen(t, Open, 0, o.Name, &Config{Observe: true})
	ticket := mustLock(t, o)
	pid, held, err := observer.Holder(observer.Word.Load())
	if pid != os.Getpid() || !held || err != nil {
		t.Errorf("process %d, %v, %v", pid, held, err)
	}
	if n, err := observer.Waiters(); n != 0 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
	if err := o.Unlock(ticket); err != nil {
		t.Error(err)
	}
}

func TestInitThatFailsLeavesNothingOpen(t *testing.T) {
	o := newObject(t, 2)
	failure := errors.New("init failed")
	for range 5 { // more than there are slots
		err := Attach(Open, testLayout(0), o.Name, &Config{}, func(shared *Object) error {
			return shared.Join(func(*liveness.Member) error { return failure })
		})
		wantIs(t, err, failure)
	}
	mustOpen(t, Open, 0, o.Name, &Config{})
}

// An object with a hostile header is refused, and no more is mapped than there is.
func TestHostileHeaders(t *testing.T) {
	at := Place{newFile(t, 1<<16), 0}
	o := mustOpen(t, Create, 5, "", &Config{At: at})
	header := make([]byte, o.start)
	if _, err := at.File.ReadAt(header, 0); err != nil {
		t.Fatal(err)
	}
	const slots, payload = 48, 32 // where they are
	for what, c := range map[string]struct {
		offset int64
		word   uint64
	}{
		"no slots":          {slots, 0},
		"too many slots":    {slots, MaxSlots + 1},
		"half of all bits":  {slots, 1 << 31},
		"payload too small": {payload, 64},
		"payload too large": {payload, 1 << 40},
		"no number":         {payload, 1<<64 - 1},
	} {
		word := binary.LittleEndian.AppendUint64(nil, c.word)
		if c.offset == slots {
			word = word[:4]
		}
		if _, err := at.File.WriteAt(word, c.offset); err != nil {
			t.Fatal(err)
		}
		if _, err := openObject(Open, 0, "", &Config{At: at}); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%s: error is %v", what, err)
		}
		if _, err := at.File.WriteAt(header, 0); err != nil {
			t.Fatal(err)
		}
	}
	mustOpen(t, Open, 0, "", &Config{At: at})
}

func newFile(t testing.TB, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "memory"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPlace(t *testing.T) {
	size := testLayout(5).Size()
	f := newFile(t, 64+roundUp(size))
	at := func(offset int64) *Config { return &Config{At: Place{f, offset}} }
	_, err := openObject(Open, 0, "", at(64))
	wantIs(t, err, fs.ErrNotExist)
	o := mustOpen(t, Create, 5, "", at(64))
	if want := f.Name() + "+64"; !o.Created || o.Name != want {
		t.Errorf("created %v as %q, want %q", o.Created, o.Name, want)
	}
	_, err = openObject(Create, 5, "", at(64))
	wantIs(t, err, fs.ErrExist)
	again := mustOpen(t, Open, 0, "", at(64))
	ticket := mustLock(t, o)
	if _, ok, err := again.TryLock(); ok || err != nil {
		t.Errorf("the same place holds two mutexes: %v, %v", ok, err)
	}
	if err := o.Unlock(ticket); err != nil {
		t.Error(err)
	}
	for what, offset := range map[string]int64{"no multiple of 64": 1, "negative": -64, "beyond the end": 128} {
		_, err := openObject(Create, 5, "", at(offset))
		if !errors.Is(err, os.ErrInvalid) && !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: error is %v", what, err)
		}
	}
	_, err = openObject(Open, 0, "", at(1<<20))
	wantIs(t, err, fs.ErrNotExist)
	_, err = openObject(Create, 0, "", &Config{At: Place{Offset: 64}})
	wantIs(t, err, os.ErrInvalid)
}

func TestPlaceKeepsWhatIsBesideIt(t *testing.T) {
	size := roundUp(testLayout(5).Size())
	f := newFile(t, 3*size)
	for _, offset := range []int64{0, 2 * size} {
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(size)), offset); err != nil {
			t.Fatal(err)
		}
	}
	_, err := openObject(Create, 5, "", &Config{At: Place{f, 0}})
	wantIs(t, err, fs.ErrExist)
	mustOpen(t, Create, 5, "", &Config{At: Place{f, size}})
	content := make([]byte, 3*size)
	if _, err := f.ReadAt(content, 0); err != nil {
		t.Fatal(err)
	}
	for i, b := range content {
		if outside := int64(i) < size || int64(i) >= 2*size; outside && b != 0xa5 {
			t.Fatalf("byte %d is %#x", i, b)
		}
	}
}

func TestSectionIsRepairedAfterAKill(t *testing.T) {
	o := newObject(t, 0)
	p := ipctest.Start(t, user, o.Name)
	p.Expect("slot 1")
	p.Say("stay half-way")
	p.Expect("half-way")
	p.Kill()
	repairs := 0
	failure := errors.New("can't repair it yet")
	o.Repair = func() error {
		if repairs++; repairs < 3 {
			return failure
		}
		o.pair[1] = o.pair[0]
		return nil
	}
	change := func() error {
		if o.pair[0] != 1 || o.pair[1] != 1 {
			t.Errorf("it was not repaired: %v", *o.pair)
		}
		return nil
	}
	for range 2 {
		wantIs(t, o.Do(t.Context(), change), failure)
	}
	for range 2 {
		if err := o.Do(t.Context(), change); err != nil {
			t.Error(err)
		}
	}
	if repairs != 3 {
		t.Errorf("repaired %d times, want 3", repairs)
	}
}

func TestSectionPassesErrorsOn(t *testing.T) {
	o := newObject(t, 0)
	failure := errors.New("mine")
	wantIs(t, o.Do(t.Context(), func() error { return failure }), failure)
	if err := o.Do(t.Context(), func() error { return nil }); err != nil {
		t.Error(err)
	}
}

// What comes late, when Close has laid zeros over the memory, fails and changes
// nothing in the object.
func TestCloseLeavesZerosToLateCalls(t *testing.T) {
	o := newObject(t, 0)
	other := mustOpen(t, Open, 0, o.Name, &Config{})
	word := o.Word
	ticket := mustLock(t, o)
	for range 2 {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
	ipctest.WantError(t, o.Unlock(ticket), os.ErrClosed)
	_, err := o.Lock(t.Context(), nil)
	ipctest.WantError(t, err, os.ErrClosed)
	_, ok, err := o.TryLock()
	ipctest.WantError(t, err, os.ErrClosed)
	if _, free := o.LockFree(); ok || free {
		t.Error("a closed mutex was locked")
	}
	ipctest.WantError(t, o.MarkConsistent(ticket|Recovered), os.ErrClosed)
	wantIs(t, o.Use(func() error { return nil }), os.ErrClosed)
	wantIs(t, o.Do(t.Context(), func() error { return nil }), os.ErrClosed)
	if o.Direct && word.Load()&HolderBits != 0 {
		t.Errorf("a call that came late left %#x", word.Load())
	}
	if mustLock(t, other)&Recovered == 0 {
		t.Error("Close by the holder was not told as its death")
	}
}

func TestSlotIsTakenBackFromAKilledProcess(t *testing.T) {
	o := newObject(t, 2)
	p := ipctest.Start(t, user, o.Name)
	p.Expect("slot 1")
	p.Say("lock")
	p.Expect("locked")
	p.Kill()
	again := mustOpen(t, Open, 0, o.Name, &Config{}) // in its slot
	if again.Me.Holder.Slot() != 1 || liveness.Holder(o.Word.Load()&HolderBits) != liveness.Dead {
		t.Errorf("slot %d, and the word is %#x", again.Me.Holder.Slot(), o.Word.Load())
	}
	if mustLock(t, o)&Recovered == 0 {
		t.Error("not told that the holder died")
	}
}

func TestRemovedObjectEndsWaits(t *testing.T) {
	if ipctest.UnderWine() || os.PathSeparator == '\\' {
		t.Skip("an object that is open can't be removed here")
	}
	o := newObject(t, 0)
	mustLock(t, o)
	ended := make(chan error)
	go func() {
		_, err := o.Lock(context.Background(), nil)
		ended <- err
	}()
	if err := o.RemoveName(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
	ipctest.WantSince(t, start, time.Second)
}

// FuzzScribble has the head and the slots of a mutex in use overwritten: calls may
// fail, and never panic or take longer than a second.
func FuzzScribble(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, uint16(0))
	f.Add(binary.LittleEndian.AppendUint64(nil, DefaultSlots+1), uint16(0))
	f.Add(binary.LittleEndian.AppendUint64(nil, 0xfffe), uint16(0))
	f.Add(binary.LittleEndian.AppendUint64(nil, 1<<16|2), uint16(64+16))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), uint16(60))
	f.Fuzz(func(t *testing.T, nonsense []byte, at uint16) {
		o := mustOpen(t, Create, 3, "", &Config{At: Place{newFile(t, roundUp(testLayout(3).Size())), 0}})
		m, err := mmap.Map(o.File(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		start, area := o.start, int(o.layout.body())
		ticket := mustLock(t, o)
		scribble := func() {
			for i, b := range nonsense {
				m.Bytes()[start+(int(at)+i)%area] = b
			}
		}
		for _, call := range []func(context.Context){
			func(ctx context.Context) {
				if ticket, err := o.Lock(ctx, nil); err == nil {
					scribble()
					o.MarkConsistent(ticket)
					o.Unlock(ticket)
				}
			},
			func(context.Context) { o.Unlock(ticket) },
			func(context.Context) {
				if ticket, ok, _ := o.TryLock(); ok {
					scribble()
					o.Unlock(ticket)
				}
			},
			func(context.Context) { o.Waiters() },
			func(context.Context) { o.Holder(o.Word.Load()) },
			func(ctx context.Context) { o.Do(ctx, func() error { return nil }) },
		} {
			scribble()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
			begin := time.Now()
			call(ctx)
			cancel()
			ipctest.WantSince(t, begin, time.Second)
		}
	})
}
