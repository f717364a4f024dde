package chart

import "math"

// Axis is a logarithmic axis.
type Axis struct {
	Label string
	// Ticks are the values that are marked; nil means the powers of ten.
	Ticks []float64
	// Text returns how a tick is written.
	Text func(float64) string
}

// ticks returns the values to be marked on a scale.
func (a *Axis) ticks(s scale) (values []float64) {
	all := a.Ticks
	if all == nil {
		for e := math.Floor(math.Log10(s.min)); e <= math.Log10(s.max); e++ {
			all = append(all, math.Pow(10, e))
		}
	}
	for _, v := range all {
		if s.holds(v) {
			values = append(values, v)
		}
	}
	return values
}
