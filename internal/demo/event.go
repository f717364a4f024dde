package demo

import "time"

// Event is something that a demo shows, and what its processes tell [Run].
type Event struct {
	Event     string `json:"event"` // Exchange or Row; to Run also ready and measured
	Mechanism string `json:"mechanism"`

	Process string `json:"process,omitempty"` // of an exchange: server or client
	PID     int    `json:"pid,omitempty"`
	Text    string `json:"text,omitempty"`

	Crossed    string        `json:"crossed,omitempty"` // of a row
	RoundTrips uint64        `json:"round_trips,omitempty"`
	P50        time.Duration `json:"p50_ns,omitempty"`
	P99        time.Duration `json:"p99_ns,omitempty"`
	Verdict    string        `json:"verdict,omitempty"`
	Error      string        `json:"error,omitempty"`
}

// The values of Event.Event that Run shows and returns.
const (
	Exchange = "exchange" // what a process did
	Row      = "row"      // how the demo of a mechanism ended

	ready    = "ready"    // the client may come
	measured = "measured" // the figures of a row
)

// The values of Event.Verdict.
const (
	OK          = "ok"
	Failed      = "failed"
	Unsupported = "unsupported" // the system lacks the mechanism
)
