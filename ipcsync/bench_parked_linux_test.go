package ipcsync

import (
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// What a process costs that waits: milliseconds of processor time per second, in
// its first half second and later.
func BenchmarkParked(b *testing.B) {
	for _, c := range []struct {
		name        string
		since, time time.Duration
	}{
		{"first", 0, 400 * time.Millisecond},
		{"later", time.Second, 3 * time.Second},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := newTestMutex(b, nil)
			h := mustLock(b, m)
			var used, passed time.Duration
			for b.Loop() {
				p := ipctest.Start(b, lockHolder, m.Name())
				awaitWaiters(b, m, 1)
				time.Sleep(c.since)
				before, err := sys.CPUTime(p.Process.Pid)
				if err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				time.Sleep(c.time)
				after, err := sys.CPUTime(p.Process.Pid)
				if err != nil {
					b.Fatal(err)
				}
				used += after - before
				passed += time.Since(start)
				p.Kill()
			}
			mustUnlock(b, h)
			b.ReportMetric(float64(used)/1e6/passed.Seconds(), "cpu-ms/s")
		})
	}
}
