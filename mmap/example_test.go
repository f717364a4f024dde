package mmap_test

import (
	"fmt"
	"log"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/mmap"
)

// open returns a new file. The examples remove it; a program would keep it.
func open() *os.File {
	f, err := os.CreateTemp("", "readings")
	if err != nil {
		log.Fatal(err)
	}
	return f
}

func ExampleMap() {
	f := open()
	defer os.Remove(f.Name())
	defer f.Close()
	m, err := mmap.Map(f, &mmap.Config{Capacity: 1 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	if err := mmap.Write(m, 16, uint32(7)); err != nil {
		log.Fatal(err)
	}
	v, err := mmap.Read[uint32](m, 16)
	fmt.Println(v, err, m.Len())
	// Output: 7 <nil> 1048576
}

// A loop over a slice runs at the speed of memory; Borrow makes a truncated file
// an error and keeps Close waiting.
func ExampleMapping_Borrow() {
	f := open()
	defer os.Remove(f.Name())
	defer f.Close()
	m, err := mmap.Map(f, &mmap.Config{Capacity: 8 * 1000})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	sum := uint64(0)
	err = m.Borrow(func([]byte) error {
		values, err := mmap.Slice[uint64](m, 0, 1000)
		if err != nil {
			return err
		}
		for i := range values {
			values[i] = uint64(i)
			sum += values[i]
		}
		return nil
	})
	fmt.Println(sum, err)
	// Output: 499500 <nil>
}

// A counter that any number of processes increase.
func ExampleView() {
	f := open()
	defer os.Remove(f.Name())
	defer f.Close()
	m, err := mmap.Map(f, &mmap.Config{Capacity: 4096})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	type header struct {
		Requests atomic.Uint64
		Failures atomic.Uint64
	}
	h, err := mmap.View[header](m, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(h.Requests.Add(1), h.Failures.Load())

	_, err = mmap.View[struct{ Names []string }](m, 0)
	fmt.Println(err != nil)
	// Output:
	// 1 0
	// true
}
