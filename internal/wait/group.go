package wait

import (
	"runtime/debug"
	"slices"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// maxGroups bounds the threads that this package needs, however many wait. One
// more group polls.
const maxGroups = 12

// group sleeps for many waiters on one thread. Its goroutine runs while there
// are any.
type group struct {
	bed   sleeper
	room  int
	start func()
	asked []*arm // what bed sleeps on

	// Under parking.mu.
	arms    []*arm
	running bool
}

// joinGroup gives the arm to a group, which lets go of it when there is
// something to look for, when its time is up, and when it is asked back.
func joinGroup(a *arm) (*group, error) {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.groups, func(g *group) bool { return len(g.arms) < g.room })
	if i < 0 {
		var bed sleeper = newPoller()
		if len(p.groups) < maxGroups {
			var err error
			if bed, err = newBed(); err != nil {
				return nil, err
			}
		}
		g := &group{bed: bed, room: bed.room()}
		g.start = g.run // made once, since making it allocates
		i = len(p.groups)
		p.groups = append(p.groups, g)
	}
	g := p.groups[i]
	g.arms = append(g.arms, a)
	if g.running {
		g.bed.ring()
	} else {
		g.running = true
		go g.start()
	}
	return g, nil
}

// askBack makes the group let go of the arm soon, if it hasn't yet.
func (g *group) askBack(a *arm) {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(g.arms, a) {
		a.leaving = true
		g.bed.ring()
	}
}

func (g *group) run() {
	debug.SetPanicOnFault(true) // for arm.changed
	for g.list() {
		first := g.asked[0].until
		for _, a := range g.asked {
			first = min(first, a.until)
		}
		err := g.bed.sleep(g.asked, max(0, first-sys.Clock()))
		if err != nil {
			time.Sleep(time.Millisecond) // the memory of one has gone; its waiter will find out
		}
		g.letGo(sys.Clock(), err != nil)
	}
}

// list copies the arms, or reports false if there are none, and the goroutine is
// to end.
func (g *group) list() bool {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	g.asked = append(g.asked[:0], g.arms...)
	g.running = len(g.arms) > 0
	return g.running
}

// letGo lets go of every arm on which a wake-up may have been spent, whose
// waiter wants it back, or whose time is up.
func (g *group) letGo(now time.Duration, all bool) {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	g.arms = slices.DeleteFunc(g.arms, func(a *arm) bool {
		// The system names only one of several that were woken. The others' words
		// have changed; where one has changed back, there is nothing to find.
		a.woken = a.woken || a.changed()
		if !a.woken && !a.leaving && !all && now < a.until {
			return false
		}
		a.leaving = false
		a.done <- struct{}{}
		return true
	})
}
