package rpc

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxID is how many bytes an id of the other side may have: each item of a stream has it
// again.
const maxID = 1 << 10

// idKey returns the same for two spellings of an id, which is a JSON string or number.
func idKey(id string) string {
	if strings.HasPrefix(id, `"`) {
		var text string
		if strings.Contains(id, `\`) && json.Unmarshal([]byte(id), &text) == nil {
			return `"` + text + `"`
		}
		return id
	}
	if n, err := strconv.ParseFloat(id, 64); strings.ContainsAny(id, ".eE") && err == nil && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return strconv.FormatInt(int64(n), 10)
	}
	return id
}
