package ipcsync

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

// opener opens an object of a kind in each of the three ways.
type opener struct {
	create, open, openOrCreate func(name string, cfg *Config) (io.Closer, error)
}

// openers are those of the kinds that have all three.
var openers = map[Kind]opener{
	KindMutex: {
		func(n string, c *Config) (io.Closer, error) { return CreateMutex(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenMutex(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenOrCreateMutex(n, c) },
	},
	KindRWMutex: {
		func(n string, c *Config) (io.Closer, error) { return CreateRWMutex(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenRWMutex(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenOrCreateRWMutex(n, c) },
	},
	KindSemaphore: {
		func(n string, c *Config) (io.Closer, error) { return CreateSemaphore(n, 1, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenSemaphore(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenOrCreateSemaphore(n, 1, c) },
	},
	KindEvent: {
		func(n string, c *Config) (io.Closer, error) { return CreateEvent(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenEvent(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenOrCreateEvent(n, c) },
	},
	KindBarrier: {
		func(n string, c *Config) (io.Closer, error) { return CreateBarrier(n, 2, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenBarrier(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenOrCreateBarrier(n, 2, c) },
	},
	KindCond: {
		func(n string, c *Config) (io.Closer, error) { return CreateCond(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenCond(n, c) },
		func(n string, c *Config) (io.Closer, error) { return OpenOrCreateCond(n, c) },
	},
}

// isKernels reports whether the objects of a kind are the Windows kernel's.
func isKernels(k Kind) bool {
	return runtime.GOOS == "windows" && (k == KindMutex || k == KindSemaphore || k == KindEvent)
}

// removal is how an error says that an object of a kind is got rid of.
func removal(k Kind) string {
	if isKernels(k) {
		return "last handle"
	}
	return "ipc rm " + string(k) + "://"
}

func eachKind(t *testing.T, test func(t *testing.T, kind Kind, o opener)) {
	for kind, o := range openers {
		t.Run(string(kind), func(t *testing.T) { test(t, kind, o) })
	}
}

func TestListStatAndRemove(t *testing.T) {
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		name := ipctest.UniqueName()
		_, err := Stat(kind, name, nil)
		ipctest.WantError(t, err, os.ErrNotExist)
		c, err := o.create(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		st, err := Stat(kind, name, nil)
		if st.Open == 0 {
			t.Error("it is open 0 times")
		}
		st.Owner, st.Mode, st.SDDL, st.Open = "", 0, "", 0 // which Stats doesn't tell
		if own, err2 := c.(observable).Stats(); err != nil || err2 != nil || !reflect.DeepEqual(st, own) {
			t.Errorf("Stat says %+v, %v; Stats says %+v, %v", st, err, own, err2)
		}
		names, err := List(kind, nil)
		if err != nil || !slices.Contains(names, name) {
			t.Errorf("not listed: %v, %v", names, err)
		}
		if isKernels(kind) {
			ipctest.WantError(t, Remove(kind, name, nil), errors.ErrUnsupported)
			return
		}
		if runtime.GOOS == "windows" {
			if !ipctest.UnderWine() { // Wine removes a file that is mapped
				ipctest.WantError(t, Remove(kind, name, nil), os.ErrPermission)
			}
			c.Close()
		}
		if err := Remove(kind, name, nil); err != nil {
			t.Error(err)
		}
		ipctest.WantError(t, Remove(kind, name, nil), os.ErrNotExist)
		if names, err := List(kind, nil); err != nil || slices.Contains(names, name) {
			t.Errorf("still listed: %v, %v", names, err)
		}
	})
}

func TestUnknownKind(t *testing.T) {
	for _, kind := range []Kind{"", "pipe", fileLockKind} {
		ipctest.WantError(t, Remove(kind, "a", nil), os.ErrInvalid, "KindMutex")
		_, err := List(kind, nil)
		ipctest.WantError(t, err, os.ErrInvalid, "KindMutex")
		_, err = Stat(kind, "a", nil)
		ipctest.WantError(t, err, os.ErrInvalid, "KindMutex")
	}
}

// An object of another version is refused with both versions and the way out, is
// listed, and can be removed.
func TestAnotherVersion(t *testing.T) {
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		if kind == KindSemaphore || isKernels(kind) {
			return // the layout is not ours
		}
		name := ipctest.UniqueName()
		c, err := o.create(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		path, err := object.Path(kindTable[kind].file, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, version := range []byte{1, 9} {
			if _, err := f.WriteAt([]byte{version, 0, version, 0, version, 0}, 16); err != nil {
				t.Fatal(err)
			}
			for _, open := range []func(string, *Config) (io.Closer, error){o.open, o.openOrCreate} {
				_, err := open(name, nil)
				ipctest.WantError(t, err, breezeway.ErrMismatch, "version "+string('0'+version), string('0'+byte(layoutVersion)), "ipcsync.Remove", "ipc rm "+string(kind)+"://"+name)
			}
		}
		f.Close()
		if names, err := List(kind, nil); err != nil || !slices.Contains(names, name) {
			t.Errorf("not listed: %v, %v", names, err)
		}
		if err := Remove(kind, name, nil); err != nil {
			t.Error(err)
		}
	})
}

// How often an object may be open is its creator's to say.
func TestSlots(t *testing.T) {
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		cfg := &Config{Slots: 2}
		if kind == KindSemaphore {
			_, err := o.create(ipctest.UniqueName(), cfg)
			ipctest.WantError(t, err, os.ErrInvalid, "Config.Slots")
			cfg.Track = true
		}
		name := ipctest.UniqueName()
		for _, slots := range []int{-1, 65534} {
			_, err := o.create(name, &Config{Slots: slots, Track: cfg.Track})
			if isKernels(kind) && !cfg.Track {
				continue
			}
			ipctest.WantError(t, err, os.ErrInvalid, "Config.Slots")
		}
		if isKernels(kind) {
			return
		}
		first, err := o.create(name, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer Remove(kind, name, nil)
		defer first.Close()
		open := &Config{Track: cfg.Track}
		second, err := o.open(name, open)
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.open(name, open)
		ipctest.WantError(t, err, breezeway.ErrTooLarge, "2 times")
		if _, err := Stat(kind, name, open); err != nil {
			t.Errorf("a full object can't be looked at: %v", err)
		}
		second.Close()
		third, err := o.openOrCreate(name, open) // takes what there is
		if err != nil {
			t.Fatal(err)
		}
		third.Close()
		_, err = o.openOrCreate(name, &Config{Slots: 3, Track: cfg.Track})
		ipctest.WantError(t, err, breezeway.ErrMismatch, "Config.Slots")
	})
}

// An option that means nothing for a kind is refused, and says so.
func TestOptionsOfOtherKinds(t *testing.T) {
	options := map[string]*Config{"Max": {Max: 3}, "Track": {Track: true}, "ManualReset": {ManualReset: true}, "Flock": {Flock: true}}
	has := map[Kind][]string{KindSemaphore: {"Max", "Track"}, KindEvent: {"ManualReset"}}
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		for option, cfg := range options {
			if slices.Contains(has[kind], option) {
				continue
			}
			for _, open := range []func(string, *Config) (io.Closer, error){o.create, o.open, o.openOrCreate} {
				_, err := open(ipctest.UniqueName(), cfg)
				ipctest.WantError(t, err, os.ErrInvalid, "Config."+option)
			}
		}
	})
	t.Run("lead", func(t *testing.T) {
		for option, cfg := range options {
			_, err := Lead(t.Context(), ipctest.UniqueName(), cfg)
			ipctest.WantError(t, err, os.ErrInvalid, "Config."+option)
		}
		_, err := Lead(t.Context(), "", &Config{At: newPlace(t, 1)})
		ipctest.WantError(t, err, os.ErrInvalid, "Config.At")
	})
	t.Run("file lock", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "lock")
		for _, cfg := range []*Config{{Max: 1}, {Track: true}, {Slots: 1}, {At: newPlace(t, 1)}} {
			_, err := OpenFileLock(path, cfg)
			ipctest.WantError(t, err, os.ErrInvalid, "Config.")
		}
	})
}

// A place stands instead of a name, and its object is created by one process.
func TestPlaceInsteadOfAName(t *testing.T) {
	at := newPlace(t, 1)
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		cfg := &Config{At: at}
		for _, open := range []func(string, *Config) (io.Closer, error){o.create, o.open, o.openOrCreate} {
			_, err := open("name", cfg)
			ipctest.WantError(t, err, os.ErrInvalid, "Config.At")
		}
		_, err := o.openOrCreate("", cfg)
		ipctest.WantError(t, err, os.ErrInvalid, "Create or Open")
		_, err = o.create("", &Config{At: Place{Offset: 64}})
		ipctest.WantError(t, err, os.ErrInvalid, "File")
		_, err = o.create("", nil)
		ipctest.WantError(t, err, os.ErrInvalid, "name is empty")
		ipctest.WantError(t, Remove(kind, "a", cfg), os.ErrInvalid, "Config.At")
		_, err = Stat(kind, "a", cfg)
		ipctest.WantError(t, err, os.ErrInvalid, "Config.At")
	})
}

func TestAwaitOpensAsSoonAsItExists(t *testing.T) {
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		name := ipctest.UniqueName()
		opened := make(chan error, 1)
		tried := make(chan struct{}, 1)
		go func() {
			c, err := Await(t.Context(), func() (io.Closer, error) {
				c, err := o.open(name, nil)
				select {
				case tried <- struct{}{}:
				default:
				}
				return c, err
			})
			if err == nil {
				err = c.Close()
			}
			opened <- err
		}()
		<-tried
		c, err := o.create(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer Remove(kind, name, nil)
		defer c.Close()
		select {
		case err := <-opened:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(ipctest.Patience):
			t.Error("it still waits")
		}
	})
}

func TestAwaitEnds(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	name := ipctest.UniqueName()
	calls := 0
	m, err := Await(ctx, func() (*Mutex, error) {
		if calls++; calls == 3 {
			cancel(cause)
		}
		return OpenMutex(name, nil)
	})
	if m != nil || !errors.Is(err, cause) {
		t.Errorf("%v, %v", m, err)
	}
	other := errors.New("other")
	if _, err := Await(t.Context(), func() (int, error) { return 0, other }); err != other {
		t.Errorf("another error is kept: %v", err)
	}
}

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, (*Mutex)(nil), (*RWMutex)(nil), (*Semaphore)(nil), (*Event)(nil), (*Barrier)(nil), (*Cond)(nil),
		(*FileLock)(nil), FileRange{}, (*Leader)(nil), Held{})
}

func TestWaitAnyOfZeroValues(t *testing.T) {
	for _, w := range []Waitable{nil, new(Mutex), new(RWMutex), new(RWMutex).RLocker(), new(Semaphore), new(Event), new(FileLock), (*Mutex)(nil)} {
		_, _, err := WaitAny(t.Context(), w)
		ipctest.WantError(t, err, os.ErrInvalid)
	}
}
