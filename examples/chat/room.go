package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// room holds the members of the chat by their names. All of them hear what happens in
// the same order.
type room struct {
	mu      sync.Mutex
	members map[string]*member
}

// enter lets a member in, unless its name is taken. The first line that it hears is its
// welcome.
func (r *room) enter(m *member) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[m.name] != nil {
		return fmt.Errorf("the name %s is taken: choose another", m.name)
	}
	if len(r.members) == maxMembers {
		return fmt.Errorf("the room is full: it has %d members", maxMembers)
	}
	others := slices.Sorted(maps.Keys(r.members))
	m.post(strings.Join(append([]string{lineWelcome, fmt.Sprint(m.timeout.Milliseconds())}, others...), " "))
	r.tellOthers(m, lineJoined+" "+m.name)
	r.members[m.name] = m
	return nil
}

// leave tells the others why a member has gone. After it m hears nothing from them.
func (r *room) leave(m *member, why reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, m.name)
	r.tellOthers(m, lineLeft+" "+m.name+" "+string(why))
}

// say tells the others what a member says.
func (r *room) say(m *member, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellOthers(m, lineSaid+" "+m.name+" "+text)
}

// tellOthers waits for none of them.
func (r *room) tellOthers(m *member, line string) {
	for _, other := range r.members {
		if other != m {
			other.post(line)
		}
	}
}
