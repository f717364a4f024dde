package event

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func good() Event {
	return Event{ID: "a-1", Name: "Maths", Start: "2026-11-23T09:00", End: "2026-11-23T10:30", Zone: "Europe/Berlin"}
}

func TestCheckRefusesWithAWordAtTheField(t *testing.T) {
	for _, c := range []struct {
		change func(*Event)
		field  string
		word   string
	}{
		{func(e *Event) { e.Name = " \t" }, "name", "Give the event a name."},
		{func(e *Event) { e.Name = "\u200b" }, "name", "Give the event a name."},
		{func(e *Event) { e.Name = strings.Repeat("ä", 201) }, "name", "too long"},
		{func(e *Event) { e.Name = "a\x00b" }, "name", "can't be shown"},
		{func(e *Event) { e.Name = "a\xffb" }, "name", "can't be shown"},
		{func(e *Event) { e.Start = "" }, "start", "Say when the event starts."},
		{func(e *Event) { e.Start = "2026-02-30T09:00" }, "start", "no date"},
		{func(e *Event) { e.Start = "0026-11-23T09:00" }, "start", "between 1970 and 2199"},
		{func(e *Event) { e.End = "" }, "end", "Say when the event ends."},
		{func(e *Event) { e.End = "tomorrow" }, "end", "no date"},
		{func(e *Event) { e.End = e.Start }, "end", "after the start"},
		{func(e *Event) { e.End = "2026-12-25T09:00" }, "end", "at most 31 days"},
		{func(e *Event) { e.Zone = "" }, "zone", "Choose"},
		{func(e *Event) { e.Zone = "Local" }, "zone", "not known"},
		{func(e *Event) { e.Zone = "../../etc/passwd" }, "zone", "not known"},
		{func(e *Event) { e.Zone = "Moon/Tranquility" }, "zone", "not known"},
		{func(e *Event) { e.ID = "" }, "id", "1 to 64"},
		{func(e *Event) { e.ID = "../x" }, "id", "1 to 64"},
		{func(e *Event) { e.Start, e.End = "2026-03-29T02:30", "2026-03-29T04:00" }, "start", "put forward"},
		{func(e *Event) { e.Zone, e.Start, e.End = "Pacific/Apia", "2011-12-30T12:00", "2011-12-31T12:00" }, "start", "put forward"},
	} {
		e := good()
		c.change(&e)
		_, err := e.Check()
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(problems[c.field], c.word) {
			t.Errorf("%+v: %v, want %q at %s", e, err, c.word, c.field)
		}
	}
}

func TestCheckSaysAllThatIsWrong(t *testing.T) {
	_, err := Event{ID: "a"}.Check()
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Errorf("%v, want a word at name, start, end and zone", err)
	}
}

func TestInstants(t *testing.T) {
	for _, c := range []struct{ zone, start, end, starts, ends string }{
		{"Europe/Berlin", "2026-11-23T09:00", "2026-11-23T10:30", "2026-11-23T08:00:00Z", "2026-11-23T09:30:00Z"},
		{"Europe/Berlin", "2026-07-01T23:00", "2026-07-02T01:00", "2026-07-01T21:00:00Z", "2026-07-01T23:00:00Z"},
		{"Asia/Kolkata", "2026-11-23T00:00", "2026-11-24T00:00", "2026-11-22T18:30:00Z", "2026-11-23T18:30:00Z"},
		{"Europe/Berlin", "2026-03-29T01:30", "2026-03-29T03:00", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"}, // clocks forward
		{"Europe/Berlin", "2026-10-25T02:30", "2026-10-25T03:30", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"}, // clocks back: the first 02:30
		{"America/New_York", "2026-11-01T01:30", "2026-11-01T02:00", "2026-11-01T05:30:00Z", "2026-11-01T07:00:00Z"},
		{"Pacific/Kiritimati", "2026-01-01T00:00", "2026-01-01T01:00", "2025-12-31T10:00:00Z", "2025-12-31T11:00:00Z"},
	} {
		e, err := Event{ID: "a", Name: "a", Start: c.start, End: c.end, Zone: c.zone}.Check()
		if err != nil {
			t.Errorf("%s %s: %v", c.zone, c.start, err)
			continue
		}
		if got := e.Starts.Format(time.RFC3339); got != c.starts {
			t.Errorf("%s %s starts %s, want %s", c.zone, c.start, got, c.starts)
		}
		if got := e.Ends.Format(time.RFC3339); got != c.ends {
			t.Errorf("%s %s ends %s, want %s", c.zone, c.end, got, c.ends)
		}
	}
}
