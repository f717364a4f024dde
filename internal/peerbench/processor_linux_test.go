package peerbench

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// processors are those that this process may use.
var processors = sync.OnceValues(func() (set []int, err error) {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return nil, err
	}
	for cpu := 0; len(set) < may.Count(); cpu++ {
		if may.IsSet(cpu) {
			set = append(set, cpu)
		}
	}
	return set, nil
})

func first(set []int) []int { return set[:1] }
func last(set []int) []int  { return set[len(set)-1:] }

// onProcessor has this goroutine run on a processor and on a thread of its own, until
// onAnyProcessor.
func onProcessor(which func(all []int) []int) error {
	runtime.LockOSThread()
	return runOn(which)
}

func onAnyProcessor() error {
	defer runtime.UnlockOSThread()
	return runOn(func(all []int) []int { return all })
}

func runOn(which func(all []int) []int) error {
	all, err := processors()
	if err != nil {
		return err
	}
	var set unix.CPUSet
	for _, cpu := range which(all) {
		set.Set(cpu)
	}
	return unix.SchedSetaffinity(0, &set)
}
