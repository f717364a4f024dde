package ipctest

import "testing"

func TestScale(t *testing.T) {
	for _, c := range []struct {
		n       int
		share   float64
		atLeast int
		want    int
	}{
		{1_000_000, 0.01, 10, 10_000},
		{1000, 0.01, 10, 10},
		{100, 0.01, 10, 10}, // too few to scale further
		{3, 0.01, 10, 3},
		{20_000, 0.1, 1, 2000},
		{20, 0.01, 1, 1},
		{1000, 1, 10, 1000},
		{100, 0.07, 1, 7},
	} {
		if got := scale(c.n, c.share, c.atLeast); got != c.want {
			t.Errorf("%d at %v, at least %d: %d, want %d", c.n, c.share, c.atLeast, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	for value, want := range map[string]float64{"": usualShare, "1": 1, "0.1": 0.1} {
		if got, err := parseShare(value); got != want || err != nil {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
	for _, bad := range []string{"0", "-1", "2", "yes", "NaN"} {
		if got, err := parseShare(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}
