package cli

import (
	"strings"
	"testing"
)

func TestReleaseTakesANumberOfPermits(t *testing.T) {
	for _, n := range []string{"x", "0", "-1", "1.5", "99999999999"} {
		r := run(t, "", "release", "sem://a", "--count", n)
		if r.code != exitUsage || !strings.Contains(r.stderr, "give a number of permits, at least 1") || strings.Contains(r.stderr, "strconv") {
			t.Errorf("-n %s: %+v", n, r)
		}
	}
}
