package bench

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Compare runs subject and baseline by turns, in the order A B B A A B …, and
// returns the figures of both. It warms up first and finds how many operations
// fill a window. It takes a second or so: 25 pairs of windows of 10 ms each.
//
// It ends with the first error of a Run, and between two windows with the cause
// of ctx. Closing a Run's connection ends a pending Run.
func Compare(ctx context.Context, subject, baseline Contender, cfg *Config) (*Result, error) {
	var m meter
	if cfg != nil {
		m.Config = *cfg
	}
	least := MinPairs
	if m.Brief {
		least = 1
	}
	m.Pairs = max(m.Pairs, least)
	if m.Window <= 0 || m.Window > MaxWindow {
		m.Window = MaxWindow
	}
	if m.clock == nil {
		m.clock = sys.Clock
	}
	m.timeClock()

	a, b := &side{Contender: subject}, &side{Contender: baseline}
	for _, s := range []*side{a, b} {
		if err := m.calibrate(ctx, s); err != nil {
			return nil, s.fail(err)
		}
	}
	watch, err := m.watch(ctx)
	if err != nil {
		return nil, err
	}
	const warmUp = 2 // even, so that the subject begins
	more := m.More != nil
	for pair := -warmUp; ; pair++ {
		if pair == 0 {
			a.forget()
			b.forget()
			watch.forget()
		}
		more = more && (pair < 0 || m.More())
		if pair >= m.Pairs && !more && watch.enough(pair, m.Pairs) {
			watch.drop(a, b)
			r := newResult(a, b)
			r.Run, r.Limit = pair, watch.figures()
			return r, nil
		}
		order := [2]*side{a, b}
		if pair%2 != 0 {
			order = [2]*side{b, a}
		}
		for _, s := range order {
			if err := m.window(ctx, s); err != nil {
				return nil, s.fail(err)
			}
		}
		if err := watch.look(ctx); err != nil {
			return nil, err
		}
	}
}

// side is a contender and what was measured of it.
type side struct {
	Contender
	n       int // operations of the next window
	stride  int // every so many operations one is timed
	windows []window
	latency Histogram
}

// window is what was measured in one.
type window struct {
	operations int
	elapsed    time.Duration
	cpu, peer  time.Duration // of this process and of the other one
}

func (w window) perOp() float64 { return float64(w.elapsed) / float64(w.operations) }

func (s *side) forget() {
	s.windows = s.windows[:0]
	s.latency = Histogram{}
}

func (s *side) fail(err error) error {
	return fail.With(breezeway.OpRun, "bench", s.Name, err)
}

// meter measures windows.
type meter struct {
	Config
	clockCost time.Duration
	unbiased  bool // latencies are without what reading the clock costs
}

// timeClock takes the shortest of some measurements: a thread can be interrupted in one.
func (m *meter) timeClock() {
	const calls = 100
	m.clockCost = time.Hour
	for range 10 {
		start := m.clock()
		for range calls - 1 {
			m.clock()
		}
		m.clockCost = min(m.clockCost, (m.clock()-start)/calls)
	}
}

// calibrate finds how many operations fill a window.
func (m *meter) calibrate(ctx context.Context, s *side) error {
	for s.n = 1; ; {
		n := s.n
		if err := m.window(ctx, s); err != nil {
			return err
		}
		if s.windows[len(s.windows)-1].elapsed >= m.Window/4 {
			return nil
		}
		if n > math.MaxInt32/2 {
			return errors.New("operations take no time that the clock shows")
		}
		s.n = 2 * n
	}
}

// window runs one window of s.
func (m *meter) window(ctx context.Context, s *side) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.Begin != nil {
		if err := s.Begin(); err != nil {
			return err
		}
	}
	if err := m.measure(s); err != nil || s.End == nil {
		return err
	}
	return s.End()
}

// measure runs the operations of a window.
func (m *meter) measure(s *side) error {
	// A peer that parked during the other's window is woken before the clock starts.
	if err := s.Run(s.n/16 + 1); err != nil {
		return err
	}
	own, peer, err := s.cpuTimes()
	if err != nil {
		return err
	}
	start, done := m.clock(), s.n
	if s.Stream {
		err = s.Run(s.n)
	} else {
		done, err = m.single(s, start)
	}
	elapsed := m.clock() - start
	if err != nil {
		return err
	}
	ownAfter, peerAfter, err := s.cpuTimes()
	if err != nil {
		return err
	}
	s.windows = append(s.windows, window{done, elapsed, ownAfter - own, peerAfter - peer})
	m.adjust(s, float64(elapsed)/float64(done))
	return nil
}

// cpuTimes returns what this process and the peer have used so far.
func (s *side) cpuTimes() (own, peer time.Duration, err error) {
	if own, err = sys.CPUTime(0); err != nil || s.PeerPID == 0 {
		return own, 0, err
	}
	if peer, err = sys.CPUTime(s.PeerPID); errors.Is(err, errors.ErrUnsupported) {
		return own, 0, nil
	}
	return own, peer, err
}

// single runs the operations of a window that are timed one by one. It stops
// short of s.n when the window is over.
func (m *meter) single(s *side, start time.Duration) (done int, err error) {
	for now := start; done < s.n && now-start < m.Window; {
		if err := s.Run(1); err != nil {
			return done, err
		}
		then := now
		now = m.clock()
		latency := now - then
		if m.unbiased {
			latency -= m.clockCost
		}
		s.latency.Record(latency)
		done++
		if untimed := min(s.n-done, s.stride-1); untimed > 0 {
			if err := s.Run(untimed); err != nil {
				return done, err
			}
			now = m.clock()
			done += untimed
		}
	}
	return done, nil
}

// adjust sets what depends on how many nanoseconds an operation takes, which
// changes as the machine does.
func (m *meter) adjust(s *side, perOp float64) {
	perOp = max(1, perOp)
	s.stride = 1 + int(200*float64(m.clockCost)/perOp)
	fitting := int(float64(m.Window/2) / perOp)
	s.n = max(1, min(max(fitting, s.n/2), 2*s.n))
}
