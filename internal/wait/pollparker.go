package wait

import "time"

const (
	firstPoll = 50 * time.Microsecond
	lastPoll  = 10 * time.Millisecond
)

// pollParker reads the words at intervals that double from firstPoll to lastPoll.
type pollParker struct {
	unparked chan struct{}
	timer    *time.Timer
	interval time.Duration
}

func newPollParker() *pollParker {
	return &pollParker{unparked: make(chan struct{}, 1), timer: time.NewTimer(lastPoll), interval: firstPoll}
}

func (p *pollParker) park(entries []*waitEntry, limit time.Duration) error {
	for _, e := range entries {
		ready, err := e.poll()
		if err != nil {
			return err
		}
		if ready {
			p.interval = firstPoll
			return nil
		}
	}
	p.timer.Reset(min(p.interval, limit))
	select {
	case <-p.unparked:
		p.interval = firstPoll
	case <-p.timer.C:
		p.interval = min(2*p.interval, lastPoll)
	}
	return nil
}

func (p *pollParker) capacity() int { return 1 << 16 }

func (p *pollParker) unpark() {
	select {
	case p.unparked <- struct{}{}:
	default:
	}
}
