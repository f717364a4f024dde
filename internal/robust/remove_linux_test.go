package robust

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// An object that is marked as often as it is made is an error in the end.
func TestObjectThatIsAlwaysRemoved(t *testing.T) {
	rule, err := access.New(0, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := testLayout(2)
	l.Removed = Removed
	for _, mode := range []OpenMode{Create, OpenOrCreate} {
		err = Attach(mode, l, newName(t), &Config{Access: rule, Fill: func(w io.WriterAt) error {
			_, err := w.WriteAt(binary.LittleEndian.AppendUint64(nil, Removed), 0)
			return err
		}}, func(o *Object) error {
			return o.Join(func(*liveness.Member) error { return nil })
		})
		wantIs(t, err, breezeway.ErrRemoved)
	}
}
