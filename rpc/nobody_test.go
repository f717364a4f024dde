package rpc_test

import (
	"os/exec"
	"testing"
)

// asNobody runs a Python program as another user, and returns what it printed.
func asNobody(t *testing.T, program string, args ...string) string {
	t.Helper()
	for _, tool := range []string{"setpriv", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing", tool)
		}
	}
	words := append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", program}, args...)
	out, err := exec.Command("setpriv", words...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s, %v", out, err)
	}
	return string(out)
}
