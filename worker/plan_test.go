package worker

import (
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mq"
)

// crossed returns what v is on the other side.
func crossed[T any](t testing.TB, v T) T {
	t.Helper()
	c, err := newCodec[T]()
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// event has the methods of time.Time, which know nothing of Name.
type event struct {
	time.Time
	Name string
}

func TestEmbeddedMarshaler(t *testing.T) {
	want := event{time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), "dinner"}
	if got := crossed(t, want); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	type outer struct {
		*event
		Place string
	}
	if got := crossed(t, outer{&want, "here"}); got.Place != "here" || *got.event != want {
		t.Errorf("%+v", got)
	}
}

func TestMapsWithKeysThatAreNotThemselves(t *testing.T) {
	got := crossed(t, map[float64]string{math.NaN(): "a", math.Inf(1): "b", math.Copysign(0, -1): "c"})
	if len(got) != 3 || got[0] != "c" || got[math.Inf(1)] != "b" {
		t.Errorf("%v", got)
	}
}

func TestElementsOfNoSize(t *testing.T) {
	if got := crossed(t, make([]struct{}, 1<<30)); len(got) != 1<<30 {
		t.Errorf("%d elements", len(got))
	}
	if got := crossed(t, map[struct{}]struct{}{{}: {}}); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// Some bytes may not stand for much memory, or for much work.
func TestDecodingHugeLengths(t *testing.T) {
	type list struct{ Next *list }
	type lists struct {
		First *list
		All   []list
	}
	huge := []byte{0xff, 0xff, 0xff, 0x3f}
	decodeHostile[*lists](t, append([]byte{1, 0}, huge...))
	decodeHostile[[]string](t, huge)
	decodeHostile[map[struct{}]struct{}](t, huge)
	decodeHostile[map[string]everything](t, huge)
	decodeHostile[[][1 << 16]bool](t, append([]byte{16, 0, 0, 0}, make([]byte, 1<<20)...))
	decodeHostile[[]event](t, append([]byte{0, 0, 2, 0}, make([]byte, 1<<20)...))
}

// decodeHostile decodes bytes that are no T, and fails the test if that takes memory or time
// out of all proportion.
func decodeHostile[T any](t testing.TB, b []byte) {
	t.Helper()
	c, err := newCodec[T]()
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, err = c.decode(b)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("%v: %v", reflect.TypeFor[T](), err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("%v: %d bytes took %d MiB", reflect.TypeFor[T](), len(b), n>>20)
	}
	ipctest.WantWithin(t, took, 2*time.Second)
}

// unhashable is an error that is no map's key.
type unhashable []string

func (unhashable) Error() string { return "unhashable" }

func TestKeysThatCannotBeCompared(t *testing.T) {
	RegisterError("worker.test.unhashable", unhashable{"x"})
	t.Cleanup(func() {
		registered.mu.Lock()
		defer registered.mu.Unlock()
		delete(registered.byName, "worker.test.unhashable")
		registered.names = registered.names[:len(registered.names)-1]
	})
	name := "worker.test.unhashable"
	b := append([]byte{2, 0, 0, 0, 1, 1, 1, 0, 0, 0}, appendText(nil, name)...)
	b = append(append(b, appendText(nil, "")...), 0, 0, 0, 0, 0, 0, 0, 0)
	decodeHostile[map[error]int](t, b)
}

// A value that many pointers lead to is as many values, and may be too large.
func TestSharedValuesAreBounded(t *testing.T) {
	type pair struct{ A, B *pair }
	top := &pair{}
	for range 60 {
		top = &pair{top, top}
	}
	c, err := newCodec[*pair]()
	if err != nil {
		t.Fatal(err)
	}
	nearly := make([]byte, maxBody-1<<20, maxBody+1<<20) // that is not touched
	if _, err := c.append(nearly, top); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

// Codecs forgives nothing but the types.
func TestCodecsOfABadDefinition(t *testing.T) {
	undefine(t)
	Define("test", func(context.Context, int) (int, error) { return 0, nil })
	Define("test", func(context.Context, int) (int, error) { return 1, nil }).Codecs(nil, mq.JSON[int]())
	if _, err := Start(t.Context(), nil); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("%v", err)
	}
}
