package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// state is what an object tells of itself.
type state interface {
	// summary is a row of ls.
	summary() summary
	// table is for people.
	table() string
	// json returns what is printed as one line of JSON, with header in front.
	json(header statHeader) any
}

// orDash, numberOrDash and pidsOrDash are cells of stat's tables: what can't be told
// is -.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func numberOrDash(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func pidsOrDash(pids []int) string { return orDash(strings.Trim(fmt.Sprint(pids), "[]")) }
