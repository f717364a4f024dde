package python_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/python"
	"github.com/breezeway-ipc/breezeway/shm"
)

// unique keeps examples that run at the same time apart. A program would just
// say "matrix".
func unique(name string) string { return fmt.Sprintf("%s-%d", name, os.Getpid()) }

// In Python, from 3.13 on:
//
//	seg = shared_memory.SharedMemory(name, track=False)
//	file = io.BytesIO(seg.buf[:4096])
//	numpy.lib.format.read_magic(file)
//	shape, _, dtype = numpy.lib.format.read_array_header_1_0(file)
//	a = numpy.ndarray(shape, dtype, seg.buf, file.tell())
func ExampleCreateArray() {
	name := unique("matrix")
	a, err := python.CreateArray[float64](name, []int{2, 3}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.Remove(shm.KindSegment, name, nil)
	defer a.Close()
	a.Data()[1*3+2] = 0.5 // row 1, column 2

	_, err = python.OpenArray[float32](name, nil, nil)
	fmt.Println(errors.Is(err, breezeway.ErrMismatch))
	// Output: true
}

// In Python:
//
//	items = shared_memory.ShareableList(name=name)
//	resource_tracker.unregister(items.shm._name, "shared_memory")
//	items[1] = 0.5
func ExampleCreateShareableList() {
	name := unique("job")
	l, err := python.CreateShareableList(name, []any{"render", 0.0, nil}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.Remove(shm.KindSegment, name, nil)
	defer l.Close()
	if err := l.Set(1, 0.25); err != nil {
		log.Fatal(err)
	}
	progress, err := l.Get(1)
	fmt.Println(progress, err)
	// Output: 0.25 <nil>
}
