package shm

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// picture is large enough to be torn: all its words are the version.
type picture struct{ Words [125]uint64 } // not whole cache lines

func pictureOf(version uint64) (p picture) {
	for i := range p.Words {
		p.Words[i] = version
	}
	return p
}

func (p *picture) check(version uint64) error {
	for i, w := range p.Words {
		if w != version {
			return fmt.Errorf("version %d has %d in word %d", version, w, i)
		}
	}
	return nil
}

func openPicture(t testing.TB, name string, cfg *Config) *Latest[picture] {
	t.Helper()
	open := OpenOrCreateLatest[picture]
	if cfg != nil && cfg.ReadOnly {
		open = OpenLatest[picture]
	}
	l, err := open(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if l.Created() {
			if err := Remove(KindLatest, name, nil); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		}
	})
	return l
}

// takeOver becomes the writer as soon as the kernel has seen the last one dead.
func takeOver(t testing.TB, l *Latest[picture]) *LatestWriter[picture] {
	t.Helper()
	for deadline := time.Now().Add(ipctest.Patience); ; runtime.Gosched() {
		w, err := l.TryWriter()
		if err == nil {
			return w
		}
		if !errors.Is(err, os.ErrExist) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestLatest(t *testing.T) {
	name := ipctest.UniqueName()
	l := openPicture(t, name, nil)
	if v, version, err := l.Load(); version != 0 || v != (picture{}) || err != nil {
		t.Error("before the first Store:", version, err)
	}
	w, err := l.TryWriter()
	if err != nil {
		t.Fatal(err)
	}
	if w.Recovered() {
		t.Error("recovered from nobody")
	}
	_, err = l.TryWriter()
	ipctest.WantError(t, err, os.ErrExist, "alive")
	other := openPicture(t, name, nil)
	_, err = other.TryWriter()
	ipctest.WantError(t, err, os.ErrExist)
	for version := uint64(1); version <= 10; version++ {
		if err := w.Store(pictureOf(version)); err != nil {
			t.Fatal(err)
		}
		for _, l := range []*Latest[picture]{l, other} {
			v, got, err := l.Load()
			if got != version || err != nil {
				t.Errorf("version %d, want %d, %v", got, version, err)
			}
			if err := v.check(version); err != nil {
				t.Error(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	ipctest.WantError(t, w.Store(picture{}), os.ErrClosed)
	second, err := other.TryWriter()
	if err != nil {
		t.Fatal(err)
	}
	if second.Recovered() {
		t.Error("the first writer closed, it did not die")
	}
	if err := second.Store(pictureOf(11)); err != nil {
		t.Error(err)
	}
	if err := other.Close(); err != nil { // its writer too
		t.Error(err)
	}
	ipctest.WantError(t, second.Store(picture{}), os.ErrClosed)
	_, _, err = other.Load()
	ipctest.WantError(t, err, os.ErrClosed)
	_, err = other.TryWriter()
	ipctest.WantError(t, err, os.ErrClosed)
	if v, version, err := l.Load(); version != 11 || v.Words[124] != 11 || err != nil {
		t.Error(version, err)
	}
	ro := openPicture(t, name, &Config{ReadOnly: true})
	if _, version, err := ro.Load(); version != 11 || err != nil {
		t.Error(version, err)
	}
	_, err = ro.TryWriter()
	ipctest.WantError(t, err, os.ErrPermission)
	_, err = OpenOrCreateLatest[[125]uint32](name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	third, err := l.TryWriter()
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if err := third.Store(pictureOf(12)); err != nil {
		t.Error(err)
	}
}

// painter stores pictures in Args[0], from the version after the last one on,
// for ever, or as many as Args[1] says.
var painter = ipctest.Helper("painter", func(c *ipctest.Control) error {
	l, err := OpenOrCreateLatest[picture](c.Args[0], nil)
	if err != nil {
		return err
	}
	w, err := l.TryWriter()
	if err != nil {
		return err
	}
	_, version, err := l.Load()
	if err != nil {
		return err
	}
	c.Say("%v %d", w.Recovered(), version)
	count, _ := strconv.ParseUint(strings.Join(c.Args[1:], ""), 10, 64)
	for n := uint64(1); count == 0 || n <= count; n++ {
		if err := w.Store(pictureOf(version + n)); err != nil {
			return err
		}
	}
	return l.Close()
})

// TestNeverTorn reads while another process writes as fast as it can.
func TestNeverTorn(t *testing.T) {
	for what, cfg := range map[string]*Config{"owner only": nil, "others too": {Mode: 0o666}} {
		t.Run(what, func(t *testing.T) {
			name := ipctest.UniqueName()
			l := openPicture(t, name, cfg)
			p := ipctest.Start(t, painter, name)
			p.Expect("false 0")
			last, changes := uint64(0), 0
			deadline := time.Now().Add(ipctest.Patience)
			for i := 0; i < ipctest.Count(1_000_000) || changes < 100; i++ {
				if time.Now().After(deadline) {
					t.Fatalf("the value changed %d times only", changes)
				}
				v, version, err := l.Load()
				if err != nil {
					t.Fatal(err)
				}
				if version < last {
					t.Fatalf("version %d after %d", version, last)
				}
				if version > last {
					changes++
				}
				last = version
				if err := v.check(version); err != nil {
					t.Fatal(err)
				}
			}
			p.Kill()
		})
	}
}

// TestWriterIsReplaced kills one writer after the other while we read: each is
// replaced, no value is torn, and no version comes twice.
func TestWriterIsReplaced(t *testing.T) {
	name := ipctest.UniqueName()
	l := openPicture(t, name, nil)
	last := uint64(0)
	for round := range max(3, ipctest.Count(100)) {
		w := takeOver(t, l)
		if w.Recovered() != (round > 0) {
			t.Errorf("round %d: recovered %v", round, w.Recovered())
		}
		last++
		if err := w.Store(pictureOf(last)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		p := ipctest.Start(t, painter, name)
		p.Expect("false " + strconv.FormatUint(last, 10))
		deadline := time.Now().Add(ipctest.Patience)
		for goal := last + 1 + uint64(round*37%500); last < goal; {
			if time.Now().After(deadline) {
				t.Fatalf("the painter stopped at version %d", last)
			}
			v, version, err := l.Load()
			if err == nil {
				err = v.check(version)
			}
			if err != nil {
				t.Fatal(err)
			}
			last = version
		}
		p.Kill()
		v, version, err := l.Load()
		if err == nil {
			err = v.check(version)
		}
		if err != nil || version < last {
			t.Fatal(version, err)
		}
		last = version
	}
}

func TestRemovedLatest(t *testing.T) {
	name := ipctest.UniqueName()
	l := openPicture(t, name, nil)
	err := Remove(KindLatest, name, nil)
	if runtime.GOOS == "windows" {
		if err == nil {
			t.Log("an open object was removed")
		} else {
			ipctest.WantError(t, err, os.ErrPermission)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.TryWriter()
	ipctest.WantError(t, err, breezeway.ErrRemoved)
	if _, _, err := l.Load(); err != nil {
		t.Error(err)
	}
}

// A hostile peer may store anything in the words: Load returns.
func TestLatestWithHostileWords(t *testing.T) {
	name := ipctest.UniqueName()
	l := openPicture(t, name, nil)
	w := takeOver(t, l)
	for _, n := range []uint64{1, 3, 1 << 63, ^uint64(0)} {
		l.head.published.Store(n)
		if _, version, err := l.Load(); version != n || err != nil {
			t.Errorf("published %#x: version %#x, %v", n, version, err)
		}
	}
	l.head.published.Store(0)
	l.head.writer.Store(^uint64(0))
	if err := w.Store(pictureOf(1)); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for n := uint64(0); ; n += 1000 {
			select {
			case <-stop:
				return
			default:
				l.head.published.Store(n)
			}
		}
	}()
	for range 1000 {
		if _, _, err := l.Load(); err != nil && !errors.Is(err, errOvertaken) {
			t.Error(err)
		}
	}
	close(stop)
	<-done
}

func TestCopyWords(t *testing.T) {
	var from [4]picture
	for i := range from {
		from[i] = pictureOf(uint64(i))
	}
	var to [4]picture
	if copyWords(&to, &from); to != from {
		t.Error("other words")
	}
	src := struct {
		_ [0]uint64
		b [16]byte
	}{b: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}
	var five [5]byte
	var eleven [11]byte
	copyWords(&five, (*[5]byte)(src.b[:]))
	copyWords(&eleven, (*[11]byte)(src.b[:]))
	if five != [5]byte(src.b[:]) || eleven != [11]byte(src.b[:]) {
		t.Error(five, eleven)
	}
}

func TestLatestAllocatesNothing(t *testing.T) {
	for what, cfg := range map[string]*Config{"owner only": nil, "others too": {Mode: 0o666}} {
		l := openPicture(t, ipctest.UniqueName(), cfg)
		w := takeOver(t, l)
		p := pictureOf(1)
		if n := testing.AllocsPerRun(100, func() { w.Store(p) }); n != 0 {
			t.Errorf("%s: Store allocates %v times", what, n)
		}
		if n := testing.AllocsPerRun(100, func() { l.Load() }); n != 0 {
			t.Errorf("%s: Load allocates %v times", what, n)
		}
	}
}
