package cli

import (
	"strings"
	"testing"
	"time"
)

func TestTimesAreInSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5": 5 * time.Second, "0": 0, "0.5": time.Second / 2, "300ms": 300 * time.Millisecond, "2m": 2 * time.Minute,
	} {
		var got waitTime
		if err := got.Set(text); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "-1s", "5 s", "soon", "NaN", "Inf", "1e30"} {
		var got waitTime
		if err := got.Set(text); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
	if err := new(waitTime).Set(afterSpaces([]string{"-1"})[0]); err == nil || !strings.Contains(err.Error(), "not negative") {
		t.Error(err)
	}
}
