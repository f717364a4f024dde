package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestHistogramAgainstSorted compares percentiles with those of the sorted
// durations, over distributions from nanoseconds to hours.
func TestHistogramAgainstSorted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() time.Duration{
		"tiny":        func() time.Duration { return time.Duration(random.IntN(128)) },
		"uniform":     func() time.Duration { return time.Duration(random.Int64N(int64(time.Millisecond))) },
		"exponential": func() time.Duration { return time.Duration(random.ExpFloat64() * 30e3) },
		"log-uniform": func() time.Duration { return time.Duration(math.Exp(random.Float64() * 30)) },
		"constant":    func() time.Duration { return 123456789 },
		"huge":        func() time.Duration { return math.MaxInt64 - time.Duration(random.Int64N(1000)) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 99, 100, 101, 10000} {
				var h Histogram
				sorted := make([]time.Duration, n)
				for i := range sorted {
					sorted[i] = next()
					h.Record(sorted[i])
				}
				slices.Sort(sorted)
				if h.Count() != uint64(n) || h.Max() != sorted[n-1] {
					t.Errorf("%d recorded, max %v; want %d, %v", h.Count(), h.Max(), n, sorted[n-1])
				}
				for _, p := range []float64{0, 1, 25, 50, 75, 90, 99, 99.9, 100} {
					rank := max(1, int(math.Ceil(p*float64(n)/100)))
					got, want := h.Percentile(p), sorted[rank-1]
					tolerance := float64(want) * 0.008
					if want < 128 {
						tolerance = 0
					}
					if math.Abs(float64(got)-float64(want)) > tolerance {
						t.Errorf("p%v of %d is %v, want %v", p, n, got, want)
					}
				}
			}
		})
	}
}

// TestBuckets goes through the lower edges of all buckets above the exact ones:
// they are in order, and none is left out.
func TestBuckets(t *testing.T) {
	next := bucketOf(64)
	for e := 6; e < 63; e++ {
		for sub := range time.Duration(64) {
			edge := 1<<e + sub<<(e-6)
			if i := bucketOf(edge); i != next {
				t.Fatalf("%d is in bucket %d, want %d", edge, i, next)
			}
			if i := bucketOf(middleOf(next)); i != next {
				t.Fatalf("the middle of bucket %d is in bucket %d", next, i)
			}
			next++
		}
	}
	if last := bucketOf(math.MaxInt64); last != next-1 || last != buckets-1 {
		t.Errorf("the last bucket is %d, want %d, of %d", last, next-1, buckets)
	}
}

func TestHistogramMerge(t *testing.T) {
	var all, merged, empty Histogram
	parts := make([]Histogram, 3)
	for i := range 3000 {
		d := time.Duration(1+i*i) * time.Microsecond
		all.Record(d)
		parts[i%len(parts)].Record(d)
	}
	merged.Merge(&empty)
	for i := range parts {
		merged.Merge(&parts[i])
	}
	merged.Merge(&empty)
	if merged != all {
		t.Errorf("merged: %d, p50 %v, max %v; want %d, %v, %v",
			merged.Count(), merged.Percentile(50), merged.Max(), all.Count(), all.Percentile(50), all.Max())
	}
}

func TestHistogramEdges(t *testing.T) {
	var h Histogram
	if h.Count() != 0 || h.Max() != 0 || h.Percentile(50) != 0 {
		t.Error("the empty histogram is not zero")
	}
	h.Record(-time.Second)
	if h.Count() != 1 || h.Percentile(100) != 0 {
		t.Errorf("a negative duration counts as %v", h.Percentile(100))
	}
}

func TestHistogramAllocatesNothing(t *testing.T) {
	var h, other Histogram
	if n := testing.AllocsPerRun(1000, func() { h.Record(time.Second); h.Merge(&other); h.Percentile(99) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
