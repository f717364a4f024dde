package wait

import "time"

const (
	firstPoll = 50 * time.Microsecond
	lastPoll  = 10 * time.Millisecond
)

// poller looks at the words from time to time, less and less often.
type poller struct {
	bell  chan struct{}
	timer *time.Timer
	pause time.Duration
}

func newPoller() *poller {
	return &poller{bell: make(chan struct{}, 1), timer: time.NewTimer(lastPoll), pause: firstPoll}
}

func (s *poller) sleep(arms []*arm, limit time.Duration) error {
	for _, a := range arms {
		if a.changed() {
			s.pause = firstPoll
			return nil
		}
	}
	s.timer.Reset(min(s.pause, limit))
	select {
	case <-s.bell:
		s.pause = firstPoll
	case <-s.timer.C:
		s.pause = min(2*s.pause, lastPoll)
	}
	return nil
}

func (s *poller) room() int { return 1 << 16 }

func (s *poller) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}
