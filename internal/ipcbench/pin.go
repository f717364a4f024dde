package ipcbench

import "runtime"

// pin lets this process run on one CPU only, unless it is less than 0.
func pin(cpu int) error {
	if cpu < 0 {
		return nil
	}
	if err := setAffinity(cpu); err != nil {
		return err
	}
	// The runtime would set it to 1 some time later, and what spins only with more than
	// one processor would stop that in the middle of a run. The other process has its own.
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	return nil
}
