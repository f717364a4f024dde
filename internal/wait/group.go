package wait

import (
	"runtime/debug"
	"slices"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// group sleeps for many waiters on one thread. Its goroutine runs while there
// are any.
type group struct {
	bed  sleeper
	arms []*arm // under parking.mu
}

// joinGroup gives the arm to a group, which lets go of it when there is
// something to look for, when its time is up, and when its waiter is leaving.
func joinGroup(a *arm) (*group, error) {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.groups {
		if len(g.arms) < groupSize {
			g.arms = append(g.arms, a)
			g.bed.ring()
			return g, nil
		}
	}
	bed, err := newSleeper(groupSize)
	if err != nil {
		return nil, err
	}
	g := &group{bed: bed, arms: []*arm{a}}
	p.groups = append(p.groups, g)
	go g.run()
	return g, nil
}

// askBack makes the group let go of the arm soon, if it hasn't yet.
func (g *group) askBack(a *arm) {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(g.arms, a) {
		a.leaving = true
		g.bed.ring() // under the lock, since without arms the group closes its bed
	}
}

func (g *group) run() {
	debug.SetPanicOnFault(true) // for arm.changed
	var arms []*arm
	for {
		if arms = g.list(arms[:0]); len(arms) == 0 {
			g.bed.close()
			return
		}
		first := arms[0].until
		for _, a := range arms {
			first = min(first, a.until)
		}
		err := g.bed.sleep(arms, max(0, first-sys.Clock()))
		if err != nil {
			time.Sleep(time.Millisecond) // the memory of one has gone; its waiter will find out
		}
		now := sys.Clock()
		if now >= first {
			now += recheck / 4 // those whose time is nearly up go along
		}
		g.letGo(now, err != nil)
	}
}

// list copies the arms. If there are none the group ends.
func (g *group) list(arms []*arm) []*arm {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(g.arms) == 0 {
		p.groups = slices.DeleteFunc(p.groups, func(other *group) bool { return other == g })
	}
	return append(arms, g.arms...)
}

// letGo lets go of every arm on which a wake-up may have been spent, whose
// waiter wants it back, or whose time was up by now.
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
