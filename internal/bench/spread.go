package bench

import "slices"

// Spread sums up the values of many windows.
type Spread struct {
	Min    float64 `json:"min"`
	Q1     float64 `json:"q1"` // a quarter of the values lie below
	Median float64 `json:"median"`
	Q3     float64 `json:"q3"` // a quarter of the values lie above
	Max    float64 `json:"max"`
}

// spreadOf sorts values, of which there must be one at least.
func spreadOf(values []float64) Spread {
	slices.Sort(values)
	at := func(quarter int) float64 {
		i, rest := quarter*(len(values)-1)/4, quarter*(len(values)-1)%4
		if rest == 0 {
			return values[i]
		}
		return values[i] + (values[i+1]-values[i])*float64(rest)/4
	}
	return Spread{at(0), at(1), at(2), at(3), at(4)}
}
