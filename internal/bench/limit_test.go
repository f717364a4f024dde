package bench

import (
	"context"
	"errors"
	"testing"
	"time"
)

// atFakeLimit runs AtLimit on a machine whose limit takes so long.
func atFakeLimit(t *testing.T, m *machine, limit func(time.Duration) time.Duration, trip time.Duration) *Limited {
	t.Helper()
	bounce, stream := m.contender("bounce", limit), m.contender("stream", always(50))
	bounce.Stream, stream.Stream = true, true
	r, err := AtLimit(context.Background(), bounce, m.contender("trip", always(trip)), stream, time.Second, &Config{clock: m.clock})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAtLimit(t *testing.T) {
	var m machine
	r := atFakeLimit(t, &m, always(100), 250)
	if want := (Spread{2.5, 2.5, 2.5, 2.5, 2.5}); r.Over != want || r.Compared < 20 {
		t.Errorf("%v times the limit in %d windows, want 2.5", r.Over, r.Compared)
	}
	if r.Limit.PerOp.Median != 100 || r.RoundTrip.P50 < 248 || r.RoundTrip.P50 > 252 || r.Stream.OpsPerSecond != 20e6 {
		t.Errorf("%+v", r)
	}
	if m.now < time.Second || m.now > 2*time.Second {
		t.Errorf("it took %v of a second", m.now)
	}
}

// The clock's cost is not in the latencies.
func TestAtLimitTakesTheClockOut(t *testing.T) {
	m := machine{clockCost: 40}
	if r := atFakeLimit(t, &m, always(100), 250); r.RoundTrip.P50 < 248 || r.RoundTrip.P50 > 252 {
		t.Errorf("p50 %v, want 250 ns", r.RoundTrip.P50)
	}
}

// That the process was interrupted while it timed the clock shortens no latency.
func TestAtLimitInterruptedAtTheClock(t *testing.T) {
	m := machine{clockCost: 40}
	calls := 0
	clock := func() time.Duration {
		if calls++; calls == 50 {
			m.now += 5 * time.Millisecond
		}
		return m.clock()
	}
	bounce, trip, stream := m.contender("bounce", always(100)), m.contender("trip", always(250)), m.contender("stream", always(50))
	r, err := AtLimit(context.Background(), bounce, trip, stream, time.Second, &Config{clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	if r.RoundTrip.P50 < 248 || r.RoundTrip.P50 > 252 {
		t.Errorf("p50 %v, want 250 ns", r.RoundTrip.P50)
	}
}

// What lies between two different speeds of the machine is not compared.
func TestAtLimitWhileTheMachineChanges(t *testing.T) {
	pace := func(now time.Duration) time.Duration { // slow and fast by turns
		if now/(100*time.Millisecond)%2 == 0 {
			return 100
		}
		return 400
	}
	var m machine
	bounce, stream := m.contender("bounce", pace), m.contender("stream", always(50))
	bounce.Stream, stream.Stream = true, true
	trip := m.contender("trip", func(now time.Duration) time.Duration { return 3 * pace(now) })
	r, err := AtLimit(context.Background(), bounce, trip, stream, 3*time.Second, &Config{clock: m.clock})
	if err != nil {
		t.Fatal(err)
	}
	if r.Over.Median != 3 || r.Over.Q1 != 3 || r.Over.Q3 != 3 || r.Compared == 0 {
		t.Errorf("%v times the limit in %d windows, want 3", r.Over, r.Compared)
	}
	if r.Limit.PerOp.Max < 3*r.Limit.PerOp.Min {
		t.Errorf("the machine has not changed: %v", r.Limit.PerOp)
	}
}

// A bounce that waits for a processor is no limit: nothing is compared with it, and
// AtLimit ends all the same.
func TestAtLimitOnOneProcessor(t *testing.T) {
	var m machine
	r := atFakeLimit(t, &m, always(4*time.Millisecond), 10*time.Microsecond)
	if r.Compared != 0 || r.Over != (Spread{}) {
		t.Errorf("%d windows were compared: %v", r.Compared, r.Over)
	}
	if m.now < 2*time.Second || m.now > 4*time.Second {
		t.Errorf("it took %v, want twice a second", m.now)
	}
}

// Begin and End enclose every window, and their errors end it.
func TestWindowsHaveBeginAndEnd(t *testing.T) {
	broken := errors.New("broken")
	for _, at := range []string{"", "begin", "end"} {
		var m machine
		open := false
		trip := m.contender("trip", always(1000))
		run := trip.Run
		trip.Run = func(n int) error {
			if !open {
				t.Error("an operation outside of a window")
			}
			return run(n)
		}
		fail := func(what string) error {
			if at == what {
				return broken
			}
			return nil
		}
		trip.Begin = func() error { open = true; return fail("begin") }
		trip.End = func() error { open = false; return fail("end") }
		bounce, stream := m.contender("bounce", always(100)), m.contender("stream", always(50))
		bounce.Stream, stream.Stream = true, true
		_, err := AtLimit(context.Background(), bounce, trip, stream, 100*time.Millisecond, &Config{clock: m.clock})
		if errors.Is(err, broken) != (at != "") {
			t.Errorf("broken at %q: %v", at, err)
		}
	}
}

// A comparison counts the pairs within which the machine doesn't change.
func TestCompareBesideLimit(t *testing.T) {
	var m machine
	pace := func(now time.Duration) time.Duration { // slow and fast by turns
		if now/(100*time.Millisecond)%2 == 0 {
			return 100
		}
		return 400
	}
	limit := m.contender("bounce", pace)
	limit.Stream = true
	r := compare(t, m.contender("subject", pace), m.contender("baseline", func(now time.Duration) time.Duration { return pace(now) / 2 }),
		&Config{clock: m.clock, Limit: &limit})
	if r.Ratio.Q1 != 2 || r.Ratio.Q3 != 2 || r.Pairs < MinPairs || r.Run <= r.Pairs {
		t.Errorf("%+v", r)
	}
	if r.Limit == nil || r.Limit.PerOp.Min != 100 || r.Limit.PerOp.Max != 400 {
		t.Errorf("limit %+v", r.Limit)
	}
}

// Where the machine never stays the same, all pairs count.
func TestCompareBesideUnsteadyLimit(t *testing.T) {
	var m machine
	took := time.Duration(100)
	limit := Contender{Name: "bounce", Stream: true, Run: func(n int) error {
		m.now += took * time.Duration(n)
		if n > 1000 {
			took = 500 - took
		}
		return nil
	}}
	r := compare(t, m.contender("subject", always(300)), m.contender("baseline", always(100)), &Config{clock: m.clock, Limit: &limit})
	if r.Ratio.Median != 3 || r.Pairs != 3*MinPairs || r.Run != r.Pairs {
		t.Errorf("%d of %d pairs, ratio %v", r.Pairs, r.Run, r.Ratio)
	}
}
