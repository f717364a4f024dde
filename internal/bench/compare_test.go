package bench

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// machine is a fake one: its clock stands still but for the operations that
// contenders perform, and for what reading the clock costs.
type machine struct {
	now       time.Duration
	clockCost time.Duration
}

func (m *machine) clock() time.Duration {
	m.now += m.clockCost
	return m.now
}

// contender returns one whose every operation takes cost, which may change with
// the time of day.
func (m *machine) contender(name string, cost func(now time.Duration) time.Duration) Contender {
	return Contender{Name: name, Bytes: 100, Run: func(n int) error {
		for range n {
			m.now += cost(m.now)
		}
		return nil
	}}
}

func always(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance*want }

func compare(t *testing.T, subject, baseline Contender, cfg *Config) *Result {
	t.Helper()
	r, err := Compare(context.Background(), subject, baseline, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRatio(t *testing.T) {
	for _, baseline := range []time.Duration{100, 3000, time.Millisecond, 30 * time.Millisecond} {
		var m machine
		r := compare(t, m.contender("subject", always(baseline*3/2)), m.contender("baseline", always(baseline)), &Config{clock: m.clock})
		if want := (Spread{1.5, 1.5, 1.5, 1.5, 1.5}); r.Ratio != want || r.RatioOfMinima != 1.5 {
			t.Errorf("%v: ratio %v, of minima %v; want 1.5", baseline, r.Ratio, r.RatioOfMinima)
		}
		for _, f := range []Figures{r.Subject, r.Baseline} {
			perOp := map[string]time.Duration{"subject": baseline * 3 / 2, "baseline": baseline}[f.Name]
			if f.PerOp.Min != float64(perOp) || f.PerOp.Max != float64(perOp) ||
				!near(float64(f.P50), float64(perOp), 0.008) || f.Max != perOp ||
				f.Timed != uint64(f.Operations) || f.Elapsed != perOp*time.Duration(f.Operations) ||
				!near(f.BytesPerSecond, 100*f.OpsPerSecond, 1e-9) || !near(f.OpsPerSecond, 1e9/float64(perOp), 1e-9) {
				t.Errorf("operations of %v: %+v", perOp, f)
			}
		}
	}
}

// TestRatioOnDriftingMachine lets the machine become five times slower and fast
// again, as the design says of real ones: the ratio within pairs doesn't care.
func TestRatioOnDriftingMachine(t *testing.T) {
	var m machine
	drifting := func(d float64) func(time.Duration) time.Duration {
		return func(now time.Duration) time.Duration {
			return time.Duration(d * (3 - 2*math.Cos(2*math.Pi*now.Seconds()/3)))
		}
	}
	r := compare(t, m.contender("subject", drifting(15e3)), m.contender("baseline", drifting(10e3)), &Config{Pairs: 200, clock: m.clock})
	if !near(r.Ratio.Median, 1.5, 0.01) || !near(r.Ratio.Q1, 1.5, 0.03) || !near(r.Ratio.Q3, 1.5, 0.03) {
		t.Errorf("ratio %+v, want 1.5", r.Ratio)
	}
	if r.Baseline.PerOp.Max < 4*r.Baseline.PerOp.Min {
		t.Errorf("the machine has not drifted: %+v", r.Baseline.PerOp)
	}
	if r.LongestWindow > MaxWindow {
		t.Errorf("a window of %v", r.LongestWindow)
	}
}

// TestStalls has the machine stand still for a long time now and then: the
// median doesn't care, the latencies tell.
func TestStalls(t *testing.T) {
	var m machine
	stalling := func(d time.Duration) func(time.Duration) time.Duration {
		next := 50 * time.Millisecond
		return func(now time.Duration) time.Duration {
			if now > next {
				next += 130 * time.Millisecond
				return d + 40*time.Millisecond
			}
			return d
		}
	}
	r := compare(t, m.contender("subject", stalling(15*time.Microsecond)), m.contender("baseline", always(10*time.Microsecond)), &Config{clock: m.clock})
	if r.Ratio.Median != 1.5 || r.RatioOfMinima != 1.5 {
		t.Errorf("ratio %+v, of minima %v; want 1.5", r.Ratio, r.RatioOfMinima)
	}
	if r.Subject.Max < 40*time.Millisecond || r.LongestWindow < 40*time.Millisecond {
		t.Errorf("longest operation %v, longest window %v: a stall was lost", r.Subject.Max, r.LongestWindow)
	}
	if r.Subject.P50 > 16*time.Microsecond {
		t.Errorf("p50 %v", r.Subject.P50)
	}
}

func TestWindowsAreBounded(t *testing.T) {
	for _, bound := range []time.Duration{0, 5 * time.Millisecond, time.Second} {
		want := bound
		if bound == 0 || bound > MaxWindow {
			want = MaxWindow
		}
		for _, cost := range []time.Duration{150, 12345, 3 * time.Millisecond} {
			var m machine
			r := compare(t, m.contender("subject", always(cost)), m.contender("baseline", always(7*time.Microsecond)),
				&Config{Window: bound, clock: m.clock})
			if r.LongestWindow > want || r.LongestWindow < want/4 {
				t.Errorf("bound %v, operations of %v: a window of %v", bound, cost, r.LongestWindow)
			}
		}
	}
}

// TestSlowerThanBefore makes operations a hundred times slower in the middle.
// No window gets too long, except those of streams that were under way.
func TestSlowerThanBefore(t *testing.T) {
	for _, stream := range []bool{false, true} {
		var m machine
		cost := func(now time.Duration) time.Duration {
			if now > 200*time.Millisecond {
				return 100 * time.Microsecond
			}
			return time.Microsecond
		}
		s := &side{Contender: m.contender("subject", cost)}
		s.Stream = stream
		meter := meter{Config: Config{Window: MaxWindow, clock: m.clock}}
		if err := meter.calibrate(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			if err := meter.window(context.Background(), s); err != nil {
				t.Fatal(err)
			}
		}
		tooLong := 0
		for _, w := range s.windows {
			if w.elapsed > MaxWindow+100*time.Microsecond {
				tooLong++
			}
		}
		switch last := s.windows[len(s.windows)-1]; {
		case !stream && tooLong > 0, stream && (tooLong < 1 || tooLong > 8):
			t.Errorf("stream %v: %d windows were too long", stream, tooLong)
		case last.elapsed > MaxWindow || last.elapsed < MaxWindow/4 || last.perOp() != 100e3:
			t.Errorf("stream %v: the last window has %d operations in %v", stream, last.operations, last.elapsed)
		}
	}
}

// TestOrder writes down which contender runs when: | begins a pair.
func TestOrder(t *testing.T) {
	var m machine
	var log []byte
	note := func(c byte) {
		if log[len(log)-1] != c {
			log = append(log, c)
		}
	}
	logging := func(name string) Contender {
		return Contender{Name: name, Run: func(n int) error {
			if log != nil {
				note(name[0])
			}
			m.now += time.Duration(n) * time.Microsecond
			return nil
		}}
	}
	pairs := 0
	r := compare(t, logging("A"), logging("B"), &Config{clock: m.clock, More: func() bool {
		log = append(log, '|')
		pairs++
		return pairs < 40
	}})
	if want := strings.Repeat("|AB|BA", 19) + "|AB|"; !strings.HasPrefix(string(log), want) {
		t.Errorf("the order was %s, want %s", log, want)
	}
	if r.Pairs != 39 {
		t.Errorf("%d pairs, want the 39 for which More said so", r.Pairs)
	}
}

func TestPairs(t *testing.T) {
	for _, c := range []struct{ ask, more, want int }{
		{0, 0, 25}, {10, 0, 25}, {25, 0, 25}, {30, 0, 30}, {0, 10, 25}, {0, 60, 60}, {30, 60, 60},
	} {
		var m machine
		asked := 0
		cfg := &Config{Pairs: c.ask, clock: m.clock}
		if c.more > 0 {
			cfg.More = func() bool {
				if asked > c.more {
					t.Error("More was asked again after it had said no")
				}
				asked++
				return asked <= c.more
			}
		}
		r := compare(t, m.contender("subject", always(1000)), m.contender("baseline", always(2000)), cfg)
		if r.Pairs != c.want {
			t.Errorf("Pairs %d, More %d times: %d pairs, want %d", c.ask, c.more, r.Pairs, c.want)
		}
	}
}

// TestClockCost has a clock that takes as long as an operation: so few
// operations are timed that the result doesn't show it.
func TestClockCost(t *testing.T) {
	m := machine{clockCost: 100}
	r := compare(t, m.contender("subject", always(100)), m.contender("baseline", always(10*time.Microsecond)), &Config{clock: m.clock})
	if r.Subject.PerOp.Median > 102 {
		t.Errorf("an operation of 100 ns and its share of the clock take %v ns", r.Subject.PerOp.Median)
	}
	if every := r.Subject.Operations / int(r.Subject.Timed); every < 150 || every > 250 {
		t.Errorf("one of %d operations was timed", every)
	}
	if every := float64(r.Baseline.Operations) / float64(r.Baseline.Timed); every > 3 {
		t.Errorf("one of %v long operations was timed", every)
	}
}

func TestStream(t *testing.T) {
	var m machine
	calls := 0
	stream := m.contender("stream", always(2*time.Microsecond))
	run := stream.Run
	stream.Stream = true
	stream.Run = func(n int) error {
		calls++
		return run(n)
	}
	r := compare(t, stream, m.contender("baseline", always(time.Microsecond)), &Config{clock: m.clock})
	if r.Ratio.Median != 2 {
		t.Errorf("ratio %v, want 2", r.Ratio.Median)
	}
	if r.Subject.Timed != 0 || r.Subject.P99 != 0 {
		t.Errorf("a stream has latencies: %+v", r.Subject)
	}
	if calls > 2*(25+2+20) {
		t.Errorf("%d calls of Run in 25 windows", calls)
	}
	if !strings.Contains(r.String(), "-") {
		t.Errorf("the table has figures for what was not measured:\n%s", r)
	}
}

func TestRunFails(t *testing.T) {
	broken := errors.New("broken")
	for _, after := range []int{0, 1, 1000, 50000} {
		for _, stream := range []bool{false, true} {
			var m machine
			left := after
			c := Contender{Name: "fragile", Stream: stream, Run: func(n int) error {
				if left -= n; left < 0 {
					return broken
				}
				m.now += time.Duration(n) * time.Microsecond
				return nil
			}}
			_, err := Compare(context.Background(), m.contender("baseline", always(1000)), c, &Config{clock: m.clock})
			var e *breezeway.Error
			if !errors.Is(err, broken) || !errors.As(err, &e) || e.Name != "fragile" {
				t.Errorf("after %d operations: %v", after, err)
			}
		}
	}
}

func TestCancel(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	var m machine
	pairs := 0
	_, err := Compare(ctx, m.contender("subject", always(1000)), m.contender("baseline", always(1000)), &Config{clock: m.clock, More: func() bool {
		if pairs++; pairs == 5 {
			cancel(enough)
		}
		return true
	}})
	if !errors.Is(err, enough) || pairs != 5 {
		t.Errorf("%v in pair %d", err, pairs)
	}
}

func TestNoTimeAtAll(t *testing.T) {
	nothing := Contender{Name: "nothing", Stream: true, Run: func(int) error { return nil }}
	if _, err := Compare(context.Background(), nothing, nothing, &Config{clock: new(machine).clock}); err == nil {
		t.Error("operations that take no time were compared")
	}
}

func TestResultAsJSON(t *testing.T) {
	var m machine
	r := compare(t, m.contender("subject", always(1500)), m.contender("baseline", always(1000)), &Config{clock: m.clock})
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(text, &back); err != nil || back != *r {
		t.Errorf("%v; %+v came back as %+v", err, *r, back)
	}
	for _, want := range []string{`"ratio":{"min":1.5,`, `"p999_ns":1500`, `"name":"baseline"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestTable(t *testing.T) {
	r := &Result{
		Subject: Figures{Name: "subject", PerOp: Spread{Min: 110, Median: 1234}, OpsPerSecond: 1e6, BytesPerSecond: 64e6,
			CPU: 2e6, P50: 999600 * time.Nanosecond, P99: 2 * time.Second, Max: 3 * time.Second, Timed: 4},
		Baseline: Figures{Name: "baseline", PerOp: Spread{Min: 100, Median: 1000}, OpsPerSecond: 2e6, BytesPerSecond: 128e6,
			CPU: 1e6, PeerCPU: 5, P50: 1000, P99: time.Second, Max: time.Second, Timed: 4},
		Pairs: 25, LongestWindow: 12345 * time.Microsecond,
		Ratio: Spread{1, 1.1, 1.2, 1.3, 1.4}, RatioOfMinima: 1.1,
	}
	lines := strings.Split(strings.TrimSuffix(r.String(), "\n"), "\n")
	want := []string{
		"min/op median/op p50 p99 p99.9 max op/s MB/s CPU/op peer CPU/op",
		"subject 110 ns 1.23 µs 1 ms 2 s - 3 s 1000000 64 2 ms -",
		"baseline 100 ns 1 µs 1 µs 1 s - 1 s 2000000 128 1 ms 5 ns",
		"ratio 1.10 1.20 999.60 2.00 - 3.00 0.50 0.50 2.00 -",
		"25 pairs of windows of at most 12.3 ms; half of the ratios lie between 1.10 and 1.30",
	}
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	if !slices.Equal(lines, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{7}, Spread{7, 7, 7, 7, 7}},
		{[]float64{3, 1}, Spread{1, 1.5, 2, 2.5, 3}},
		{[]float64{5, 1, 4, 2, 3}, Spread{1, 2, 3, 4, 5}},
		{[]float64{4, 1, 3, 2}, Spread{1, 1.75, 2.5, 3.25, 4}},
	} {
		if got := spreadOf(slices.Clone(c.values)); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.values, got, c.want)
		}
	}
}

func TestPayload(t *testing.T) {
	for _, size := range []int{0, 1, 63, 64, 65, 1024, 65536} {
		p := make([]byte, size)
		Fill(p, 41)
		if err := Check(p, 41); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if err := Check(p, 42); (err == nil) != (size == 0) {
			t.Errorf("%d bytes of another payload: %v", size, err)
		}
		for i := 0; i < size; i += 64 {
			p[i]++
			if Check(p, 41) == nil {
				t.Errorf("byte %d of %d was changed, which was not noticed", i, size)
			}
			p[i]--
		}
	}
}
