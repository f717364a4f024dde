package robust

import (
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// A named object is touched without protection if no other user can truncate its file,
// and one at a place if none can.
func TestDirect(t *testing.T) {
	opened := func(prepare func(f *os.File) error) *testObject {
		name := newName(t)
		o := mustOpen(t, Create, 5, name, &Config{})
		if err := prepare(o.File()); err != nil {
			t.Fatal(err)
		}
		return mustOpen(t, Open, 0, name, &Config{})
	}
	at := func(prepare func(f *os.File) error) *testObject {
		f, err := sys.Memfd("place")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if err := prepare(f); err != nil {
			t.Fatal(err)
		}
		return mustOpen(t, Create, 5, "", &Config{At: Place{f, 0}})
	}
	const size = 1 << 16
	sealed := func(f *os.File) error { return sys.AddSeals(f, unix.F_SEAL_SHRINK) }
	for what, c := range map[string]struct {
		o    *testObject
		want bool
	}{
		"named":              {opened(func(*os.File) error { return nil }), true},
		"named, for readers": {opened(func(f *os.File) error { return f.Chmod(0o644) }), true},
		"named, for a group": {opened(func(f *os.File) error { return f.Chmod(0o660) }), false},
		"named, with holes":  {opened(func(f *os.File) error { return f.Truncate(size) }), false},
		"in a file":          {mustOpen(t, Create, 5, "", &Config{At: Place{newFile(t, size), 0}}), false},
		"in a sealed file":   {at(func(f *os.File) error { return errors.Join(sys.Reserve(f, size), sealed(f)) }), true},
		"in sealed holes":    {at(func(f *os.File) error { return errors.Join(f.Truncate(size), sealed(f)) }), false},
	} {
		if c.o.Direct != c.want {
			t.Errorf("%s: Direct is %v", what, c.o.Direct)
		}
	}
}
