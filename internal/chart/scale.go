package chart

import "math"

// extent is a range of values above 0; that of the zero value is empty.
type extent struct{ min, max float64 }

func (r *extent) include(v float64) {
	if !(v > 0) || math.IsInf(v, 0) {
		return
	}
	if r.max == 0 {
		*r = extent{v, v}
	}
	r.min, r.max = min(r.min, v), max(r.max, v)
}

// scale maps a range to pixels, by logarithms.
type scale struct {
	extent
	from, to float64 // the pixels of min and max
}

// inset leaves a part of the length free at both ends.
func (s scale) inset(part float64) scale {
	if s.max == 0 {
		s.extent = extent{1, 10}
	}
	if s.max == s.min {
		s.min, s.max = s.min/2, s.max*2
	}
	more := math.Pow(s.max/s.min, part)
	s.min, s.max = s.min/more, s.max*more
	return s
}

func (s scale) at(v float64) float64 {
	return s.from + (s.to-s.from)*math.Log(v/s.min)/math.Log(s.max/s.min)
}

func (s scale) holds(v float64) bool { return v >= s.min && v <= s.max }
