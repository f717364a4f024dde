package plain

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

type sample struct {
	Count uint64
	Kind  [3]int8
	Point struct{ X, Y float32 }
	Wave  [2]complex128
}

func TestCheckNamesTheField(t *testing.T) {
	type inner struct {
		A int32
		B []byte
	}
	type outer struct {
		X int64
		Y [4]inner
	}
	for _, c := range []struct {
		of   any
		want string // "" is fine
	}{
		{int8(0), ""}, {float64(0), ""}, {complex64(0), ""}, {[5]uint16{}, ""}, {sample{}, ""},
		{struct{ A, B atomic.Uint64 }{}, ""}, {atomic.Bool{}, ""}, {int(0), ""}, {time.Second, ""},
		{outer{}, "field Y[].B is a slice"},
		{struct{ A struct{ B *int } }{}, "field A.B is a ptr"},
		{struct{ When time.Time }{}, "field When.loc is a ptr"},
		{"", "is a string"}, {[]int{}, "is a slice"}, {map[int]int{}, "is a map"},
		{[2]any{}, "field [] is a interface"},
		{func() {}, "is a func"}, {make(chan int), "is a chan"},
		{struct{ Ready bool }{}, "field Ready is a bool"}, {true, "is a bool"},
		{uintptr(0), "is an address"}, {unsafe.Pointer(nil), "unsafe.Pointer"},
		{struct{ Mu sync.Mutex }{}, "field Mu is a sync.Mutex"},
		{atomic.Value{}, "is a interface"}, {atomic.Pointer[int]{}, "unsafe.Pointer"},
		{struct{}{}, "has no size"}, {[0]int{}, "has no size"},
	} {
		for range 2 { // the second answer is cached
			err := Check(reflect.TypeOf(c.of))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%T: error %v doesn't say %q", c.of, err, c.want)
			}
		}
	}
}
