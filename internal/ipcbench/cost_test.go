package ipcbench

import "testing"

// memoryLink gives back what was sent to it.
type memoryLink struct{ b []byte }

func (m *memoryLink) Room(n int) ([]byte, error)    { return m.b[:n], nil }
func (m *memoryLink) Send() error                   { return nil }
func (m *memoryLink) Receive(n int) ([]byte, error) { return m.b[:n], nil }
func (m *memoryLink) Release() error                { return nil }
func (m *memoryLink) Close() error                  { return nil }

// BenchmarkOverhead is what sending and receiving a message costs beside the transport.
func BenchmarkOverhead(b *testing.B) {
	for _, size := range []int{8, 56, 4096} {
		b.Run(Size(size), func(b *testing.B) {
			var l link = &memoryLink{make([]byte, size)}
			seq := uint64(0)
			for b.Loop() {
				seq++
				if err := put(l, size, sink, seq); err != nil {
					b.Fatal(err)
				}
				if _, err := take(l, size, seq); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestOverheadAllocatesNothing(t *testing.T) {
	var l link = &memoryLink{make([]byte, 64)}
	if n := testing.AllocsPerRun(1000, func() { put(l, 64, sink, 1); take(l, 64, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
