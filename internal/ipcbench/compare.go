package ipcbench

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// ReadReport reads what `ipc bench --json` has printed.
func ReadReport(file string) (*Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s is not what `ipc bench --json` prints: %w", file, err)
	}
	if len(r.Rows) == 0 {
		return nil, fmt.Errorf("%s has no rows; make it with `ipc bench --json` (%w)", file, breezeway.ErrMismatch)
	}
	return r, nil
}

// Change is a row of two reports.
type Change struct {
	Old, New Row
	// Trip is the new time of a round trip as a multiple of the old one. Both are taken as
	// multiples of their limits if they have these, so that another state of the machine
	// doesn't count; OfLimits says so.
	Trip     float64
	OfLimits bool
	Messages float64 // messages per second, likewise; as measured
}

// Since returns what has changed since old, of the rows that both have.
func (r *Report) Since(old *Report) (changes []Change) {
	for _, now := range r.Rows {
		for _, before := range old.Rows {
			if before.Transport == now.Transport && before.Size == now.Size && before.Mode == now.Mode {
				changes = append(changes, change(before, now))
			}
		}
	}
	return changes
}

func change(before, now Row) Change {
	c := Change{Old: before, New: now, Trip: quotient(float64(now.P50), float64(before.P50)), Messages: quotient(now.Messages, before.Messages)}
	if before.OverLimit != nil && now.OverLimit != nil && *before.OverLimit > 0 {
		c.Trip, c.OfLimits = *now.OverLimit / *before.OverLimit, true
	}
	return c
}

// quotient returns 0 if there is none.
func quotient(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}
