package wait

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

// memory is a mapped file that the test and its helpers share.
type memory struct {
	mode  string // see setMode
	path  string
	file  *os.File
	bytes []byte
	unmap func() error
	gates []*Gate // closed before the memory is
}

func newMemory(t testing.TB) *memory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "memory")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(memorySize); err != nil {
		t.Fatal(err)
	}
	f.Close()
	m, err := openMemory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func openMemory(path string) (*memory, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	bytes, unmap, err := mapFile(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &memory{path: path, file: f, bytes: bytes, unmap: unmap}, nil
}

// start starts a helper that begins with helperMemory.
func (m *memory) start(t testing.TB, helper string, args ...string) *ipctest.Process {
	t.Helper()
	return ipctest.Start(t, helper, append([]string{m.mode, m.path}, args...)...)
}

// helperMemory opens in a helper what memory.start was called on.
func helperMemory(c *ipctest.Control) (*memory, error) {
	setMode(c.Args[0])
	return openMemory(c.Args[1])
}

func (m *memory) close() error {
	for _, g := range m.gates {
		g.Close()
	}
	if err := m.unmap(); err != nil {
		return err
	}
	return m.file.Close()
}

// word returns the i-th cache line.
func (m *memory) word(i int) *uint32 { return (*uint32)(unsafe.Pointer(&m.bytes[64*i])) }

func (m *memory) name(i int) Name {
	name, err := EventName(m.file, int64(64*i))
	if err != nil {
		panic(err)
	}
	return Name{Word: name}
}

// semaphore is the simplest use of a Gate: permits in one line, the gate in the
// next.
type semaphore struct {
	permits *uint32
	gate    *Gate
	tries   atomic.Int32 // without check
}

func (m *memory) semaphore(i int) *semaphore {
	s := &semaphore{permits: m.word(2 * i), gate: NewGate(m.word(2*i+1), m.name(2*i+1))}
	m.gates = append(m.gates, s.gate)
	return s
}

func (s *semaphore) try() bool {
	for {
		v := atomic.LoadUint32(s.permits)
		if v == 0 {
			return false
		}
		if atomic.CompareAndSwapUint32(s.permits, v, v-1) {
			return true
		}
	}
}

func (s *semaphore) acquire(ctx context.Context) error {
	return s.gate.Wait(ctx, func(check bool) (bool, error) {
		if !check {
			s.tries.Add(1)
		}
		return s.try(), nil
	})
}

func (s *semaphore) release(n int) {
	atomic.AddUint32(s.permits, uint32(n))
	s.gate.Wake(n)
}

// word returns the gate's.
func (s *semaphore) word() uint32 { return atomic.LoadUint32(s.gate.w.addr) }

// until waits for a condition that nothing announces.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if err := eventually(what, ok); err != nil {
		t.Fatal(err)
	}
}

func eventually(what string, ok func() bool) error {
	for deadline := time.Now().Add(ipctest.Patience); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("still waiting for: %s", what)
		}
	}
	return nil
}

// parked reports whether a waiter is announced.
func (s *semaphore) parked() bool { return s.word()&parkedBit != 0 }
