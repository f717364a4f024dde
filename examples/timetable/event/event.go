// Package event says what an event of the timetable is, and which events are refused.
//
// An event keeps what a person typed: the clock on the wall at the start and at the end,
// and the time zone that this clock is in. Its instants are computed whenever it is read.
// So a lesson at nine in Berlin stays at nine in Berlin when a government moves the
// clocks, and a browser in Tokyo shows it at the same instant, by its own clock.
package event

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every machine
	"unicode"
	"unicode/utf8"
)

// Layout is how the clock on the wall is written. It is that of HTML's datetime-local.
const Layout = "2006-01-02T15:04"

const (
	MaxName = 200                 // characters
	MaxTime = 31 * 24 * time.Hour // from start to end
	minYear = 1970
	maxYear = 2199
)

// Event is one line of the timetable.
type Event struct {
	ID    string `json:"id"` // chosen by the program that enters the event, so that it can ask twice
	Name  string `json:"name"`
	Start string `json:"start"` // in Layout, by the clocks of Zone
	End   string `json:"end"`
	Zone  string `json:"zone"` // of the IANA database: Europe/Berlin

	// Starts and Ends are the instants, in UTC. Check computes them.
	Starts time.Time `json:"starts,omitzero"`
	Ends   time.Time `json:"ends,omitzero"`
}

// Problems says what is wrong with an event: a sentence for each field, by its JSON name.
type Problems map[string]string

func (p Problems) Error() string {
	var text []string
	for _, field := range slices.Sorted(maps.Keys(p)) {
		text = append(text, field+": "+p[field])
	}
	return strings.Join(text, " ")
}

// JSON returns the problems as an object with a sentence for each field.
func (p Problems) JSON() []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // no map of strings makes it fail
	}
	return text
}

// Check returns the event as it is to be stored, with its instants, or [Problems].
func (e Event) Check() (Event, error) {
	problems := Problems{}
	note := func(field, problem string) {
		if problem != "" && problems[field] == "" {
			problems[field] = problem
		}
	}
	e.Name = strings.TrimSpace(e.Name)
	note("id", checkID(e.ID))
	note("name", checkName(e.Name))
	zone, problem := loadZone(e.Zone)
	note("zone", problem)
	starts, problem := instant(e.Start, zone, "starts")
	note("start", problem)
	ends, problem := instant(e.End, zone, "ends")
	note("end", problem)
	if problems["start"] == "" {
		note("end", checkOrder(starts, ends))
	}
	if len(problems) > 0 {
		return Event{}, problems
	}
	e.Starts, e.Ends = starts, ends
	return e, nil
}

// Place returns an event that was stored with its instants. An event that would be refused
// today, since its zone's rules have changed, has them as well as they can be told.
func (e Event) Place() Event {
	if placed, err := e.Check(); err == nil {
		return placed
	}
	zone, _ := loadZone(e.Zone)
	e.Starts, _ = time.ParseInLocation(Layout, e.Start, zone)
	e.Ends, _ = time.ParseInLocation(Layout, e.End, zone)
	e.Starts, e.Ends = e.Starts.UTC(), e.Ends.UTC()
	if !e.Ends.After(e.Starts) {
		e.Ends = e.Starts.Add(time.Minute)
	}
	return e
}

// Bound returns the instant nearest to one at which an event may be: before and after those
// the years have other numbers of digits.
func Bound(at time.Time) time.Time {
	earliest := time.Date(minYear-1, 1, 1, 0, 0, 0, 0, time.UTC)
	latest := time.Date(maxYear+2, 1, 1, 0, 0, 0, 0, time.UTC)
	switch {
	case at.Before(earliest):
		return earliest
	case at.After(latest):
		return latest
	}
	return at
}

func checkID(id string) (problem string) {
	if len(id) == 0 || len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "An id is 1 to 64 small letters, digits and hyphens."
	}
	return ""
}

func checkName(name string) (problem string) {
	visible := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
	switch {
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return "The name has a character that can't be shown."
	case !strings.ContainsFunc(name, visible):
		return "Give the event a name."
	case utf8.RuneCountInString(name) > MaxName:
		return "The name is too long: 200 characters are the most."
	}
	return ""
}

// loadZone returns UTC for a zone that is refused.
func loadZone(name string) (zone *time.Location, problem string) {
	if name == "" {
		return time.UTC, "Choose a time zone."
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || len(name) > 64 {
		return time.UTC, "This time zone is not known here."
	}
	return zone, ""
}

func checkOrder(starts, ends time.Time) (problem string) {
	switch {
	case !ends.After(starts):
		return "The end has to be after the start."
	case ends.Sub(starts) > MaxTime:
		return "An event lasts at most 31 days."
	}
	return ""
}

// instant returns when the clocks of a zone show what text says. When they are put back
// they show it twice: it is the first time then. When they are put forward they may never
// show it, which is a problem.
func instant(text string, zone *time.Location, verb string) (at time.Time, problem string) {
	if text == "" {
		return at, "Say when the event " + verb + "."
	}
	shown, err := time.Parse(Layout, text)
	switch {
	case err != nil:
		return at, "This is no date with a time."
	case shown.Year() < minYear || shown.Year() > maxYear:
		return at, "The year has to be between 1970 and 2199."
	}
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := shown.Add(near).In(zone).Zone()
		candidate := shown.Add(-time.Duration(offset) * time.Second)
		if candidate.In(zone).Format(Layout) == text && (at.IsZero() || candidate.Before(at)) {
			at = candidate
		}
	}
	if at.IsZero() {
		return at, "The clocks don't show this time on that day: they are put forward."
	}
	return at, ""
}
