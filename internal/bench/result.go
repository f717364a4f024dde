package bench

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is the outcome of [Compare]. It may be marshalled as JSON.
type Result struct {
	Subject  Figures `json:"subject"`
	Baseline Figures `json:"baseline"`

	// Pairs is how many pairs of windows count, Run how many were run, which is more if
	// there was a Limit and it changed.
	Pairs int `json:"pairs"`
	Run   int `json:"run"`
	// Limit are the figures of [Config.Limit], nil without.
	Limit *Figures `json:"limit,omitempty"`
	// LongestWindow is the length of the longest of them.
	LongestWindow time.Duration `json:"longest_window_ns"`

	// Ratio is the subject's time per operation divided by the baseline's, of
	// each pair. The median is the result; the extremes are mostly noise.
	Ratio Spread `json:"ratio"`
	// RatioOfMinima is the quotient of the shortest times per operation.
	RatioOfMinima float64 `json:"ratio_of_minima"`
}

// Figures is what was measured of one contender.
type Figures struct {
	Name       string        `json:"name"`
	Operations int           `json:"operations"`
	Elapsed    time.Duration `json:"elapsed_ns"` // sum of the windows

	// PerOp is the time per operation in nanoseconds, of each window.
	PerOp Spread `json:"ns_per_op"`

	OpsPerSecond   float64 `json:"ops_per_second"`
	BytesPerSecond float64 `json:"bytes_per_second"`

	// CPU and PeerCPU are CPU time per operation in nanoseconds, of this process
	// and of the peer; 0 where the system doesn't tell.
	CPU     float64 `json:"cpu_ns_per_op"`
	PeerCPU float64 `json:"peer_cpu_ns_per_op"`

	// Timed is how many operations were timed one by one; the latencies are
	// theirs, and 0 if there are none.
	Timed uint64        `json:"timed"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	Max   time.Duration `json:"max_ns"`
}

func newResult(subject, baseline *side) *Result {
	r := &Result{Subject: subject.figures(), Baseline: baseline.figures(), Pairs: len(subject.windows)}
	ratios := make([]float64, r.Pairs)
	for i, s := range subject.windows {
		b := baseline.windows[i]
		ratios[i] = s.perOp() / b.perOp()
		r.LongestWindow = max(r.LongestWindow, s.elapsed, b.elapsed)
	}
	r.Ratio = spreadOf(ratios)
	r.RatioOfMinima = r.Subject.PerOp.Min / r.Baseline.PerOp.Min
	return r
}

func (s *side) figures() Figures {
	f := Figures{
		Name:  s.Name,
		Timed: s.latency.Count(),
		P50:   s.latency.Percentile(50),
		P99:   s.latency.Percentile(99),
		P999:  s.latency.Percentile(99.9),
		Max:   s.latency.Max(),
	}
	var cpu, peer time.Duration
	perOp := make([]float64, len(s.windows))
	for i, w := range s.windows {
		f.Operations += w.operations
		f.Elapsed += w.elapsed
		cpu += w.cpu
		peer += w.peer
		perOp[i] = w.perOp()
	}
	f.PerOp = spreadOf(perOp)
	f.OpsPerSecond = float64(f.Operations) / f.Elapsed.Seconds()
	f.BytesPerSecond = f.OpsPerSecond * float64(s.Bytes)
	f.CPU = float64(cpu) / float64(f.Operations)
	f.PeerCPU = float64(peer) / float64(f.Operations)
	return f
}

// String returns a table of both contenders' figures and their quotients, and
// a line on how sure the ratio is.
func (r *Result) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	s, b := r.Subject, r.Baseline
	fmt.Fprintln(w, "\tmin/op\tmedian/op\tp50\tp99\tp99.9\tmax\top/s\tMB/s\tCPU/op\tpeer CPU/op\t")
	for _, f := range []Figures{s, b} {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%s\t%s\t%s\t\n", f.Name,
			short(f.PerOp.Min), short(f.PerOp.Median),
			short(float64(f.P50)), short(float64(f.P99)), short(float64(f.P999)), short(float64(f.Max)),
			f.OpsPerSecond, megabytes(f.BytesPerSecond), short(f.CPU), short(f.PeerCPU))
	}
	fmt.Fprintf(w, "ratio\t%.2f\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
		r.RatioOfMinima, r.Ratio.Median,
		quotient(float64(s.P50), float64(b.P50)), quotient(float64(s.P99), float64(b.P99)),
		quotient(float64(s.P999), float64(b.P999)), quotient(float64(s.Max), float64(b.Max)),
		quotient(s.OpsPerSecond, b.OpsPerSecond), quotient(s.BytesPerSecond, b.BytesPerSecond),
		quotient(s.CPU, b.CPU), quotient(s.PeerCPU, b.PeerCPU))
	w.Flush()
	fmt.Fprintf(&text, "%d pairs of windows of at most %.3g ms; half of the ratios lie between %.2f and %.2f\n",
		r.Pairs, float64(r.LongestWindow)/1e6, r.Ratio.Q1, r.Ratio.Q3)
	if r.Limit != nil {
		fmt.Fprintf(&text, "of %d pairs that were run; %s took %s to %s, median %s\n", r.Run, r.Limit.Name,
			short(r.Limit.PerOp.Min), short(r.Limit.PerOp.Max), short(r.Limit.PerOp.Median))
	}
	return text.String()
}

// unknown stands in the table for what was not measured.
const unknown = "-"

// short formats nanoseconds with three digits.
func short(ns float64) string {
	switch {
	case ns <= 0:
		return unknown
	case ns < 999.5:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 999.5e3:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 999.5e6:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}

func megabytes(perSecond float64) string {
	if perSecond == 0 {
		return unknown
	}
	return fmt.Sprintf("%.4g", perSecond/1e6)
}

func quotient(subject, baseline float64) string {
	if subject <= 0 || baseline <= 0 {
		return unknown
	}
	return fmt.Sprintf("%.2f", subject/baseline)
}
