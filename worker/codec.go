package worker

import (
	"fmt"
	"os"
	"reflect"

	"github.com/breezeway-ipc/breezeway/internal/plain"
	"github.com/breezeway-ipc/breezeway/mq"
)

// Codec turns values into bytes and back; see [mq.JSON] and [mq.Gob], and
// [Func.Codecs].
type Codec[T any] = mq.Codec[T]

// codec is how values of T cross. Both processes run the same executable, so what lies in
// memory as plain numbers means the same there.
type codec[T any] struct {
	image bool // a T is plain, and crosses as it lies in memory
	size  int  // of an image
	plan  *plan
	other Codec[T] // chosen by the program
}

// newCodec returns the codec that every T has that consists of what can be carried.
func newCodec[T any]() (codec[T], error) {
	t := reflect.TypeFor[T]()
	if plain.Check(t) == nil {
		return codec[T]{image: true, size: int(t.Size())}, nil
	}
	p, err := planOf(t)
	if err != nil {
		return codec[T]{}, fmt.Errorf("a %v can't cross between processes: %w; change the type, or choose how with Codecs (%w)", t, err, os.ErrInvalid)
	}
	return codec[T]{plan: p}, nil
}
