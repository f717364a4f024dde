package cli

import (
	"fmt"
	"slices"
	"strings"
)

// need is what a verb takes of the mechanism that its URL names.
type need struct {
	verb string
	lack string // what an error says of a mechanism that doesn't have it
	met  func(m *mechanism) bool
}

// needs has a row for each verb that takes a URL, in the order in which errors and
// help name them.
var needs = []need{
	{"serve", "carries no stream", func(m *mechanism) bool { return m.stream != nil }},
	{"send", "carries no stream", func(m *mechanism) bool { return m.stream != nil || m.queue != nil }},
	{"receive", "has no server to receive from", func(m *mechanism) bool { return m.receive != nil || m.queue != nil }},
	{"call", "serves no objects", func(m *mechanism) bool { return m.connects }},
	{"create", "can't be created", func(m *mechanism) bool { return m.create != nil }},
	{"write", "is no memory", func(m *mechanism) bool { return m.memory != nil }},
	{"read", "is no memory", func(m *mechanism) bool { return m.memory != nil }},
	{"lock", "is no lock", func(m *mechanism) bool { return m.lock != nil }},
	{"acquire", "has no permits", func(m *mechanism) bool { return m.permits != nil }},
	{"release", "has no permits", func(m *mechanism) bool { return m.permits != nil }},
	{"wait", "can't be waited for", func(m *mechanism) bool { return m.await != nil }},
	{"set", "can't be set", func(m *mechanism) bool { return m.signal != nil }},
	{"reset", "can't be reset", func(m *mechanism) bool { return m.signal != nil }},
	{"stat", "tells no state", func(m *mechanism) bool { return m.stat != nil }},
	{"rm", "can't be removed", func(m *mechanism) bool { return m.remove != nil }},
}

// needOf returns what a verb needs. Every verb that takes a URL has a row.
func needOf(verb string) need {
	return needs[slices.IndexFunc(needs, func(n need) bool { return n.verb == verb })]
}

// serving returns the mechanisms that a verb takes.
func serving(verb string) (some []*mechanism) {
	n := needOf(verb)
	for _, m := range mechanisms {
		if n.met(m) {
			some = append(some, m)
		}
	}
	return some
}

// lacks returns the error of a verb that t's mechanism has nothing for.
func (n need) lacks(t target) error {
	var verbs []string
	for _, other := range needs {
		if other.met(t.mechanism) {
			verbs = append(verbs, "ipc "+other.verb)
		}
	}
	instead := fmt.Sprintf("%s is for %s", t, listed(verbs, "and"))
	if hint := t.instead[n.verb]; hint != "" {
		instead = strings.ReplaceAll(hint, "%s", t.String())
	}
	return usagef("%s %s; %s", withArticle(t.noun), n.lack, instead)
}
