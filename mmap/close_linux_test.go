package mmap

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// sparse returns a memfd of so many bytes, none of which has storage.
func sparse(size int64, seals int) (*os.File, error) {
	f, err := sys.Memfd("sparse")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(size), sys.AddSeals(f, seals)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// kindsOfClose are the ways in which Close finds a mapping.
var kindsOfClose = map[string]struct {
	seals  int
	expose bool // hand a pointer out
}{
	"guarded":               {0, false},
	"guarded, with pointer": {0, true},
	"sealed":                {unix.F_SEAL_SHRINK, false},
}

// mapSparse maps size bytes, none of which is in use.
func mapSparse(kind string, size int64) (*Mapping, error) {
	k := kindsOfClose[kind]
	f, err := sparse(size, k.seals)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := Map(f, nil)
	if err != nil {
		return nil, err
	}
	m.guarded = k.seals == 0 // though it has no storage yet
	if k.expose {
		m.Bytes()
	}
	return m, nil
}

// mapAndClose closes what mapSparse mapped.
func mapAndClose(kind string, size int64) (*Mapping, error) {
	m, err := mapSparse(kind, size)
	if err != nil {
		return nil, err
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	for name, err := range every(m) {
		if !errors.Is(err, os.ErrClosed) {
			return nil, fmt.Errorf("%s after Close: %v, want os.ErrClosed", name, err)
		}
	}
	return m, nil
}

// status returns a line of /proc/self/status in bytes.
func status(name string) (n uint64, err error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), name+":")
	_, err = fmt.Sscan(rest, &n)
	return n << 10, err
}

// smapsLine returns what /proc/self/smaps says of a mapping's memory.
func smapsLine(m *Mapping, name string) (string, error) {
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return "", err
	}
	// The mapping may have become one with another beside it.
	addr := uintptr(unsafe.Pointer(unsafe.SliceData(m.whole)))
	here := false
	for line := range strings.Lines(string(smaps)) {
		var start, end uintptr
		if _, err := fmt.Sscanf(line, "%x-%x ", &start, &end); err == nil {
			here = start <= addr && addr < end
		}
		if value, ok := strings.CutPrefix(line, name+":"); ok && here {
			return strings.TrimRight(value, "\n"), nil
		}
	}
	return "", fmt.Errorf("/proc/self/smaps has no line %s", name)
}

// limit lets this process use more bytes, at most, of what a line of /proc/self/status
// counts.
func limit(resource int, line string, more uint64) error {
	now, err := status(line)
	if err != nil {
		return err
	}
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: now + more, Max: now + more})
}

// shortOfCommit closes mappings where less private memory is granted than they have.
// RLIMIT_DATA is to one process what vm.overcommit_memory=2 is to all.
var shortOfCommit = ipctest.Helper("short of commit", func(c *ipctest.Control) error {
	if err := limit(unix.RLIMIT_DATA, "VmData", 256<<20); err != nil {
		return err
	}
	_, err := mapAndClose(c.Args[0], 1<<30)
	return err
})

// shortOfAddresses closes a mapping that has more than half of its addresses.
var shortOfAddresses = ipctest.Helper("short of addresses", func(c *ipctest.Control) error {
	if err := limit(unix.RLIMIT_AS, "VmSize", 1<<30+256<<20); err != nil {
		return err
	}
	_, err := mapAndClose(c.Args[0], 1<<30)
	return err
})

// locked closes a mapping in a process all of whose memory is locked.
var locked = ipctest.Helper("locked", func(c *ipctest.Control) error {
	const size = 128 << 20
	if err := unix.Mlockall(unix.MCL_FUTURE); err != nil {
		return err
	}
	before, err := status("RssAnon")
	if err != nil {
		return err
	}
	m, err := mapAndClose(c.Args[0], size)
	if err != nil {
		return err
	}
	after, err := status("RssAnon")
	if err != nil {
		return err
	}
	if after > before+size/2 {
		return fmt.Errorf("Close allocated %d MiB", (after-before)>>20)
	}
	if shared, err := status("RssShmem"); err != nil || shared > size/2 {
		return fmt.Errorf("%d MiB of shared memory are resident after Close, %v", shared>>20, err)
	}
	flags, err := smapsLine(m, "VmFlags")
	if strings.Contains(flags, " lo") {
		return errors.New("what Close left counts as locked")
	}
	return err
})

func TestCloseNeedsNoMemory(t *testing.T) {
	for kind := range kindsOfClose {
		for name, helper := range map[string]string{
			"short of commit": shortOfCommit, "short of addresses": shortOfAddresses, "all is locked": locked,
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				cmd := ipctest.HelperCommand(t, helper, kind)
				if helper == locked {
					skipUnlessMayLock(t)
				}
				if err := ipctest.StartCommand(t, cmd).Wait(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// shortOfDescriptors closes a mapping that has more than half of what the process may use
// of Args[1], while no file can be opened.
var shortOfDescriptors = ipctest.Helper("short of descriptors", func(c *ipctest.Control) error {
	resource, line, more := unix.RLIMIT_DATA, "VmData", uint64(256<<20)
	if c.Args[1] == "addresses" {
		resource, line, more = unix.RLIMIT_AS, "VmSize", 1<<30+256<<20
	}
	if err := limit(resource, line, more); err != nil {
		return err
	}
	m, err := mapSparse(c.Args[0], 1<<30)
	if err != nil {
		return err
	}
	var all unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &all); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: all.Max}); err != nil {
		return err
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &all)
	return m.Close()
})

func TestCloseNeedsNoDescriptor(t *testing.T) {
	for kind := range kindsOfClose {
		for _, short := range []string{"commit", "addresses"} {
			t.Run(kind+", short of "+short, func(t *testing.T) {
				if err := ipctest.Start(t, shortOfDescriptors, kind, short).Wait(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// shortOfMappings closes a mapping in a process that has as many as vm.max_map_count
// allows, and checks that it goes nevertheless, later.
var shortOfMappings = ipctest.Helper("short of mappings", func(c *ipctest.Control) error {
	const page = 4096
	f, err := sparse(1<<20, kindsOfClose[c.Args[0]].seals)
	if err != nil {
		return err
	}
	m, err := mapSparse(c.Args[0], 1<<30)
	if err != nil {
		return err
	}
	addr := uintptr(unsafe.Pointer(unsafe.SliceData(m.whole)))
	var others [1 << 17]unsafe.Pointer
	n := 0
	for err == nil && n < len(others) {
		// Every second page, since neighbours become one.
		if others[n], err = unix.MmapPtr(int(f.Fd()), int64(n%2)*2*page, nil, page, unix.PROT_READ, unix.MAP_SHARED); err == nil {
			n++
		}
	}
	err = m.Close()
	for _, p := range others[:n] {
		unix.MunmapPtr(p, page)
	}
	if n == len(others) {
		return nil // there is no limit
	}
	if err != nil && !errors.Is(err, unix.ENOMEM) {
		return err
	}
	m = nil
	reclaim()
	if stays, err := isMapped(addr, "memfd:sparse"); err != nil || stays {
		return fmt.Errorf("the file stays mapped, %v", err)
	}
	return nil
})

// isMapped reports whether a file is mapped at an address.
func isMapped(addr uintptr, file string) (bool, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(maps)) {
		var start, end uintptr
		if _, err := fmt.Sscanf(line, "%x-%x ", &start, &end); err == nil && start <= addr && addr < end {
			return strings.Contains(line, file), nil
		}
	}
	return false, nil
}

func TestCloseAtTheLimitOfMappings(t *testing.T) {
	for kind := range kindsOfClose {
		t.Run(kind, func(t *testing.T) {
			if err := ipctest.Start(t, shortOfMappings, kind).Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

func skipUnlessMayLock(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 && limit.Cur != unix.RLIM_INFINITY {
		t.Skipf("this user may lock %d bytes, and a Go program has more", limit.Cur)
	}
}

// mapsForEver maps and closes more than there are addresses for, and
// keeps the collector out: only what Map and Close start can give addresses back.
var mapsForEver = ipctest.Helper("maps for ever", func(c *ipctest.Control) error {
	debug.SetGCPercent(-1)
	size, rounds := int64(128<<30), 1100 // Linux gives a process 128 TiB
	if c.Args[1] == "limited" {
		size, rounds = 64<<20, 100
		if err := limit(unix.RLIMIT_AS, "VmSize", 1<<30); err != nil {
			return err
		}
	}
	for i := range rounds {
		if _, err := mapAndClose(c.Args[0], size); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
	}
	return nil
})

func TestMapAndCloseForEver(t *testing.T) {
	for kind := range kindsOfClose {
		for _, addresses := range []string{"all", "limited"} {
			t.Run(kind+", "+addresses+" addresses", func(t *testing.T) {
				if err := ipctest.Start(t, mapsForEver, kind, addresses).Wait(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestCloseDuringLongCalls closes mappings in the middle of calls: each ends with
// os.ErrClosed or as if it had been earlier.
func TestCloseDuringLongCalls(t *testing.T) {
	const size = 8 << 20
	for kind := range kindsOfClose {
		t.Run(kind, func(t *testing.T) {
			for range 5 {
				m, err := mapSparse(kind, size)
				if err != nil {
					t.Fatal(err)
				}
				var begun, ended sync.WaitGroup
				for name, call := range map[string]func() error{
					"ReadAt":    func() error { _, err := m.ReadAt(make([]byte, size), 0); return err },
					"WriteAt":   func() error { _, err := m.WriteAt(make([]byte, size), 0); return err },
					"Read":      func() error { _, err := Read[[size]byte](m, 0); return err },
					"AtomicAdd": func() error { _, err := AtomicAdd(m, size-8, uint64(1)); return err },
				} {
					begun.Add(1)
					ended.Go(func() {
						begun.Done()
						for {
							err := call()
							if errors.Is(err, os.ErrClosed) {
								return
							}
							if err != nil {
								t.Errorf("%s: %v, want os.ErrClosed", name, err)
								return
							}
						}
					})
				}
				begun.Wait()
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				ended.Wait()
			}
		})
	}
}
