package shm_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

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
	defer shm.Remove(shm.KindSegment, name, nil) // or it stays, on Linux
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
	defer shm.Remove(shm.KindStruct, name, nil)
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
	defer shm.Remove(shm.KindLatest, name, nil)
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

// A process that reacts to each new value.
func ExampleLatest_Wait() {
	name := unique("speed")
	l, err := shm.OpenOrCreateLatest[float64](name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.Remove(shm.KindLatest, name, nil)
	defer l.Close()

	var other sync.WaitGroup
	defer other.Wait() // before Close
	other.Go(func() {  // in another process
		w, err := l.TryWriter()
		if err != nil {
			log.Fatal(err)
		}
		if err := w.Store(12.5); err != nil {
			log.Fatal(err)
		}
	})

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	v, version, err := l.Wait(ctx, 0) // newer than version 0: the first one
	fmt.Println(v, version, err)
	// Output: 12.5 1 <nil>
}

func ExampleStat() {
	name := unique("table")
	seg, err := shm.Create(name, 4096, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shm.Remove(shm.KindSegment, name, nil)
	defer seg.Close()
	info, err := shm.Stat(shm.KindSegment, name, nil)
	fmt.Println(info.Size, err)
	// Output: 4096 <nil>
}
