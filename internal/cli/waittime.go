package cli

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// waitTime is the value of a flag that says how long to wait, such as 5, 0.5 or 3m.
type waitTime time.Duration

// String returns "" for 0, so that --help shows no default.
func (d *waitTime) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Type is what --help calls the value.
func (d *waitTime) Type() string { return "TIME" }

func (d *waitTime) Set(text string) error {
	text = strings.TrimSpace(text) // which afterSpaces may have added
	parsed, err := time.ParseDuration(text)
	if seconds, plain := strconv.ParseFloat(text, 64); plain == nil && math.Abs(seconds) < math.MaxInt64/1e9 {
		parsed, err = time.Duration(seconds*float64(time.Second)), nil
	}
	switch {
	case err != nil:
		return errors.New("give a time, such as 5 (seconds), 0.5, 300ms or 2m")
	case parsed < 0:
		return errors.New("a time is not negative")
	}
	*d = waitTime(parsed)
	return nil
}

// waitLimit is a waitTime of a verb that has no way not to wait.
type waitLimit waitTime

func (d *waitLimit) String() string { return (*waitTime)(d).String() }
func (d *waitLimit) Type() string   { return (*waitTime)(d).Type() }

func (d *waitLimit) Set(text string) error {
	if err := (*waitTime)(d).Set(text); err != nil {
		return err
	}
	if *d == 0 {
		return errors.New("give a time above 0; without the flag there is no limit")
	}
	return nil
}
