package shm_test

import (
	"fmt"
	"log"
	"os"

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
