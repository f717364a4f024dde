package bench

import (
	"context"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// agreement is how far two windows of the limit may be apart, as a quotient, for what
// lies between them to be compared with it: the machine has not changed meanwhile.
const agreement = 1.15

// disturbed is how long an operation of the limit doesn't take, in nanoseconds, unless its
// processes have to wait for a processor. Cache lines are passed on in less than a fifth
// of that, also between sockets.
const disturbed = 5000

// steady reports whether the machine was the same before and after, by the nanoseconds
// that an operation of the limit took.
func steady(before, after float64) bool {
	return max(before, after) <= min(disturbed, agreement*min(before, after))
}

// minCompared is how many round-trip windows AtLimit wants to compare, for as long as
// it may take twice its time.
const minCompared = 3

// Limited is the outcome of [AtLimit].
type Limited struct {
	Limit     Figures // of all its windows
	RoundTrip Figures
	Stream    Figures

	// Over is the time per round trip as a multiple of the limit's, of the windows that
	// were compared; the zero Spread if there is none.
	Over Spread
	// Compared is how many windows that is.
	Compared int
}

// AtLimit measures round trips and a stream, each in windows between two of the limit,
// which is what the machine can do at best: L R L S L R L S L … It goes on for about
// the time given, and up to twice as long until some round-trip windows could be
// compared: those where the windows of the limit before and after are about equal, and
// not disturbed. The figures of RoundTrip and Stream are those of all windows.
//
// The clock's own cost is not in the latencies. cfg's Pairs and More mean nothing here.
// It ends with an error as [Compare] does.
func AtLimit(ctx context.Context, limit, roundTrip, stream Contender, budget time.Duration, cfg *Config) (*Limited, error) {
	var m meter
	if cfg != nil {
		m.Config = *cfg
	}
	if m.Window <= 0 || m.Window > MaxWindow {
		m.Window = MaxWindow
	}
	if m.clock == nil {
		m.clock = sys.Clock
	}
	m.timeClock()
	m.unbiased = true
	a := atLimit{m: m, limitMeter: m, limit: &side{Contender: limit}, trip: &side{Contender: roundTrip}, stream: &side{Contender: stream}}
	const share = 4 // the limit's operations are short: its windows may be, too
	a.limitMeter.Window /= share
	return a.run(ctx, budget)
}

// atLimit is one run of AtLimit.
type atLimit struct {
	m, limitMeter       meter
	limit, trip, stream *side
	over                []float64 // of each window of round trips that was compared
}

func (a *atLimit) run(ctx context.Context, budget time.Duration) (*Limited, error) {
	for _, s := range []*side{a.limit, a.trip, a.stream} {
		if err := a.meterOf(s).calibrate(ctx, s); err != nil {
			return nil, s.fail(err)
		}
	}
	// A first round warms up.
	if err := a.round(ctx); err != nil {
		return nil, err
	}
	for _, s := range []*side{a.limit, a.trip, a.stream} {
		s.forget()
	}
	a.over = nil
	if err := a.window(ctx, a.limit); err != nil {
		return nil, err
	}
	start := a.m.clock()
	for {
		if err := a.round(ctx); err != nil {
			return nil, err
		}
		spent := a.m.clock() - start
		if spent >= budget && (len(a.over) >= minCompared || spent >= 2*budget) {
			return a.result(), nil
		}
	}
}

// round runs R L S L, after an L. A window that was disturbed can't be told from one
// that is slow: it counts.
func (a *atLimit) round(ctx context.Context) error {
	for _, s := range []*side{a.trip, a.limit, a.stream, a.limit} {
		if err := a.window(ctx, s); err != nil {
			return err
		}
		if s == a.limit && len(a.limit.windows) >= 2 {
			a.compare()
		}
	}
	return nil
}

// compare compares the last round trips with the limit's windows before and after, once.
func (a *atLimit) compare() {
	trips, limits := a.trip.windows, a.limit.windows
	if len(limits) != 2*len(trips) { // the last window was of the stream
		return
	}
	before, after := limits[len(limits)-2].perOp(), limits[len(limits)-1].perOp()
	if !steady(before, after) {
		return
	}
	a.over = append(a.over, trips[len(trips)-1].perOp()/((before+after)/2))
}

func (a *atLimit) meterOf(s *side) *meter {
	if s == a.limit {
		return &a.limitMeter
	}
	return &a.m
}

func (a *atLimit) window(ctx context.Context, s *side) error {
	if err := a.meterOf(s).window(ctx, s); err != nil {
		return s.fail(err)
	}
	return nil
}

func (a *atLimit) result() *Limited {
	r := &Limited{Limit: a.limit.figures(), RoundTrip: a.trip.figures(), Stream: a.stream.figures()}
	if len(a.over) > 0 {
		r.Over, r.Compared = spreadOf(a.over), len(a.over)
	}
	return r
}
