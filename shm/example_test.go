package shm_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// unique keeps examples that run at the same time apart. A program would just
// say "frame".
func unique(name string) string { return fmt.Sprintf("%s-%d", name, os.Getpid()) }

func ExampleCreate() {
	name := unique("frame")
	seg, err := shm.Create(name, 4096, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.Remove(name) // or it stays, on Linux
	defer seg.Close()
	if err := mmap.Write(seg.Mapping, 16, uint32(7)); err != nil {
		log.Fatal(err)
	}

	// In another process:
	same, err := shm.Open(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer same.Close()
	v, err := mmap.Read[uint32](same.Mapping, 16)
	fmt.Println(v, err)
	// Output: 7 <nil>
}

func ExampleOpenOrCreateStruct() {
	type stats struct {
		Requests atomic.Uint64
		Failures atomic.Uint64
	}
	name := unique("stats")
	s, err := shm.OpenOrCreateStruct[stats](name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.RemoveStruct(name, nil)
	defer s.Close()
	s.Value().Requests.Add(1)

	// A program with another layout is told which field differs.
	_, err = shm.OpenOrCreateStruct[struct{ Requests, Errors atomic.Uint64 }](name, nil)
	fmt.Println(errors.Is(err, breezeway.ErrMismatch))
	// Output: true
}

func ExampleLatest() {
	type position struct{ Lat, Lon, Altitude float64 }
	name := unique("position")
	l, err := shm.OpenOrCreateLatest[position](name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.RemoveLatest(name, nil)
	defer l.Close()

	w, err := l.TryWriter() // one process has it
	if err != nil {
		log.Fatal(err)
	}
	if err := w.Store(position{52.5, 13.4, 34}); err != nil {
		log.Fatal(err)
	}

	p, version, err := l.Load() // any number of processes
	fmt.Println(p, version, err)
	// Output: {52.5 13.4 34} 1 <nil>
}

// In Python:
//
//	seg = shared_memory.SharedMemory(name)
//	file = io.BytesIO(seg.buf[:4096])
//	numpy.lib.format.read_magic(file)
//	shape, _, dtype = numpy.lib.format.read_array_header_1_0(file)
//	a = numpy.ndarray(shape, dtype, seg.buf, file.tell())
func ExampleCreateArray() {
	name := unique("matrix")
	a, err := shm.CreateArray[float64](name, []int{2, 3}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.Remove(name)
	defer a.Close()
	a.Data()[1*3+2] = 0.5 // row 1, column 2

	_, err = shm.OpenArray[float32](name, nil, nil)
	fmt.Println(errors.Is(err, breezeway.ErrMismatch))
	// Output: true
}

// In Python: shared_memory.ShareableList(name="job-…")[1] = 0.5
func ExampleCreateShareableList() {
	name := unique("job")
	l, err := shm.CreateShareableList(name, []any{"render", 0.0, nil}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.Remove(name)
	defer l.Close()
	if err := l.Set(1, 0.25); err != nil {
		log.Fatal(err)
	}
	progress, err := l.Get(1)
	fmt.Println(progress, err)
	// Output: 0.25 <nil>
}
