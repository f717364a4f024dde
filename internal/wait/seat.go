package wait

import "sync"

// parking holds the places of this process. Seats are for one waiter, who
// sleeps on his own thread; a group sleeps on one thread for all.
var parking struct {
	mu     sync.Mutex
	free   []sleeper // seats that nobody has at the moment
	taken  int
	groups []*group
}

// takeSeat returns nil if there are as many taken as there may be.
func takeSeat() (sleeper, error) {
	p := &parking
	limit := seats()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken >= limit {
		return nil, nil
	}
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		p.taken++
		return s, nil
	}
	s, err := newSeat()
	if err == nil {
		p.taken++
	}
	return s, err
}

func giveSeat(s sleeper) {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.free = append(p.free, s)
}
