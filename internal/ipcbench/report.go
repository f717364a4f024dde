package ipcbench

import (
	"slices"

	"github.com/breezeway-ipc/breezeway/internal/bench"
)

// Report is the outcome of [Run]. As JSON it is what `ipc bench --json` prints.
type Report struct {
	// Limit is how long the bare bounce of a cache line took, there and back: the median
	// over all rows of their medians.
	Limit float64 `json:"limit_rtt_ns"`
	Rows  []Row   `json:"rows"`

	Absent []Absence `json:"-"`

	limits []float64
}

// Absence says why rows of a transport are missing.
type Absence struct{ Transport, Why string }

// Row is what was measured of a transport with messages of one size.
type Row struct {
	Transport string `json:"transport"`
	Size      int    `json:"size"`
	Mode      Mode   `json:"mode"`

	P50  int64 `json:"rtt_p50_ns"`
	P99  int64 `json:"rtt_p99_ns"`
	P999 int64 `json:"rtt_p999_ns"`
	Max  int64 `json:"rtt_max_ns"`

	// OverLimit is the time of a round trip as a multiple of the limit's before and after
	// it; nil if that was never steady.
	OverLimit *float64 `json:"rtt_over_limit"`

	Messages float64 `json:"msgs_per_s"`
	Bytes    float64 `json:"bytes_per_s"`
	// CPU is the processor time of both processes.
	CPU float64 `json:"cpu_s_per_million"`
}

func (r *Row) set(l *bench.Limited) {
	r.P50, r.P99, r.P999, r.Max = l.RoundTrip.P50.Nanoseconds(), l.RoundTrip.P99.Nanoseconds(), l.RoundTrip.P999.Nanoseconds(), l.RoundTrip.Max.Nanoseconds()
	if l.Compared > 0 {
		r.OverLimit = &l.Over.Median
	}
	r.Messages, r.Bytes = l.Stream.OpsPerSecond, l.Stream.BytesPerSecond
	const million, second = 1e6, 1e9
	r.CPU = (l.Stream.CPU + l.Stream.PeerCPU) * million / second
}

// add adds a row, and the limit that was measured with it.
func (r *Report) add(row Row, limit float64) {
	r.Rows = append(r.Rows, row)
	r.limits = append(r.limits, limit)
	sorted := slices.Sorted(slices.Values(r.limits))
	r.Limit = sorted[len(sorted)/2]
}
