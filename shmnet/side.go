package shmnet

import "sync/atomic"

// side is the reading or the writing half of a connection. One goroutine at a time has
// its turn, and parks there.
type side struct {
	turn     turn
	news     chan struct{} // holds one element if there may be something to look at
	spinner  spinner
	deadline deadline
	asleep   atomic.Bool // a goroutine parks here, or is about to
	bells    *bells      // where it may listen; nil of a listener's

	lent    int  // how many bytes Peek or Reserve has given to the caller; in its turn
	vacated bool // no call touches the ring any more; in its turn

	// announced counts how often this side said that it parks. More bells than that
	// are none that an honest peer rings.
	announced atomic.Uint64
}

func (s *side) init(b *bells) {
	s.turn.init()
	s.spinner.lookAround()
	s.news = make(chan struct{}, 1)
	s.bells = b
}

// notify has the goroutine that parks look again, or the next one that does, and one that
// waits for its turn.
//
// No goroutine sleeps through it: it becomes the listener, then looks for news; this adds
// news, then looks for the listener.
func (s *side) notify() {
	signal(s.news)
	if s.bells != nil && s.bells.listener.Load() == s {
		s.bells.interrupt()
	}
	if s.turn.waiting.Load() > 0 {
		s.turn.interrupt()
	}
}

// hasNews takes the news, if there are some.
func (s *side) hasNews() bool {
	select {
	case <-s.news:
		return true
	default:
		return false
	}
}

// wake is notify by the listener, which looks again anyway if it is this side. Whether s
// is asleep doesn't matter: it may be about to be.
func (s *side) wake() {
	if s.bells.listener.Load() != s {
		s.notify()
	}
}
