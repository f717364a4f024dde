package python

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shm"
)

func TestBigEndianMachinesAreRefused(t *testing.T) {
	if err := checkByteOrder(binary.BigEndian); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if err := checkByteOrder(binary.LittleEndian); err != nil {
		t.Error(err)
	}
}

// No call makes or opens what this machine's byte order is wrong for, and none leaves a
// segment.
func TestByteOrderOfThisMachine(t *testing.T) {
	want := checkByteOrder(binary.NativeEndian)
	name := ipctest.UniqueName()
	for what, call := range map[string]func() error{
		"CreateArray": func() error {
			a, err := CreateArray[uint32](name+".a", []int{2}, nil)
			if err == nil {
				keep(t, a.Segment())
			}
			return err
		},
		"CreateShareableList": func() error {
			l, err := CreateShareableList(name+".l", []any{1}, nil)
			if err == nil {
				keep(t, l.Segment())
			}
			return err
		},
		"OpenArray": func() error {
			_, err := OpenArray[uint32](name, nil, nil)
			return err
		},
		"OpenShareableList": func() error {
			_, err := OpenShareableList(name, nil)
			return err
		},
	} {
		err := call()
		if want != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
		if want == nil && err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if want != nil {
		left, err := shm.List(shm.KindSegment, nil)
		if err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}
