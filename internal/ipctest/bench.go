package ipctest

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
)

// Compare is a benchmark made of [bench.Compare]. An iteration is a pair of
// windows: -benchtime sets how many there are, but fewer than
// [bench.MinPairs] are never run except with -short. It logs the table, and reports as ns/op the
// median time per operation of the subject, as ratio that to the baseline.
func Compare(b *testing.B, subject, baseline bench.Contender) {
	b.Helper()
	CompareWith(b, subject, baseline, bench.Config{})
}

// CompareWith is Compare with cfg, whose More is the benchmark's.
func CompareWith(b *testing.B, subject, baseline bench.Contender, cfg bench.Config) {
	b.Helper()
	cfg.More, cfg.Brief = b.Loop, testing.Short()
	r, err := bench.Compare(b.Context(), subject, baseline, &cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("\n%s", r)
	b.ReportMetric(r.Ratio.Median, "ratio")
	b.ReportMetric(r.RatioOfMinima, "min-ratio")
	b.ReportMetric(r.Subject.PerOp.Median, "ns/op")
	b.ReportMetric(r.Baseline.PerOp.Median, "base-ns/op")
	b.ReportMetric(r.Subject.BytesPerSecond/1e6, "MB/s")
	b.ReportMetric(r.Subject.CPU, "cpu-ns/op")
	b.ReportMetric(r.Subject.PeerCPU, "peer-cpu-ns/op")
	if r.Limit != nil {
		b.ReportMetric(r.Limit.PerOp.Median, "limit-ns/op")
	}
	if r.Subject.Timed > 0 {
		b.ReportMetric(float64(r.Subject.P50), "p50-ns")
		b.ReportMetric(float64(r.Subject.P99), "p99-ns")
		b.ReportMetric(float64(r.Subject.P999), "p99.9-ns")
		b.ReportMetric(float64(r.Subject.Max), "max-ns")
	}
}
