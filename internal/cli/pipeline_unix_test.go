//go:build unix

package cli

import (
	"encoding/json"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestPipeline(t *testing.T) {
	t.Setenv("WHAT", "b c")
	for _, test := range []struct {
		line           string
		args           []string
		stdin, stdout  string
		code           int
		stderrContains string
	}{
		{line: `printf 'a\nb c\n' | grep "$WHAT"`, stdout: "b c\n"},
		{line: "cat | tr a-z A-Z | cat", stdin: "through", stdout: "THROUGH"},
		{line: "echo alone", stdout: "alone\n"},
		{line: "true | false", code: 1},
		{line: "false | true"},
		{line: "sh -c 'exit 7' | true", args: []string{"--pipefail"}, code: 7},
		{line: "sh -c 'exit 7' | sh -c 'exit 8' | true", args: []string{"--pipefail"}, code: 8},
		{line: "yes | head -1", stdout: "y\n"},
		{line: "yes | head -1", args: []string{"--pipefail"}, stdout: "y\n", code: 128 + 13},
		{line: "true | sh -c 'kill -TERM $$'", code: 128 + 15},
		{line: "true | no-such-program", code: exitNotFound, stderrContains: "no-such-program"},
		{line: "/etc/passwd | true", code: exitCantRun, stderrContains: "permission denied"},
		{line: "sh -c 'echo complaint >&2'", stderrContains: "complaint"},
		{line: "a && b", code: exitUsage, stderrContains: "sh -c"},
		{line: "a > b", code: exitUsage, stderrContains: "redirection"},
	} {
		r := run(t, test.stdin, append([]string{"pipeline", test.line}, test.args...)...)
		if r.stdout != test.stdout || r.code != test.code || !strings.Contains(r.stderr, test.stderrContains) ||
			test.stderrContains == "" && r.stderr != "" {
			t.Errorf("%s %v: %+v", test.line, test.args, r)
		}
	}
}

func TestPipelineReports(t *testing.T) {
	r := run(t, "", "pipeline", "--json", `printf 12345 | sh -c 'cat; printf 6; exit 3'`)
	var got struct {
		Seconds float64
		Stages  []struct {
			Args  []string
			Exit  int
			State string
			Bytes int64
		}
	}
	if err := json.Unmarshal([]byte(r.stderr), &got); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if s := got.Stages; r.code != 3 || r.stdout != "123456" || len(s) != 2 || s[0].Bytes != 5 || s[1].Bytes != 6 ||
		s[0].Exit != 0 || s[1].Exit != 3 || s[1].State != "exit status 3" || s[0].Args[1] != "12345" || got.Seconds <= 0 {
		t.Errorf("%+v", r)
	}

	r = run(t, "", "pipeline", "--stats", `printf 12345 | cat`)
	want := "stage         output  end\nprintf 12345  5 B     exit status 0\ncat           5 B     exit status 0\n"
	if r.stderr != want || r.stdout != "12345" {
		t.Errorf("%+v", r)
	}
}

func TestPipelineIsTerminated(t *testing.T) {
	for _, sig := range endings {
		p := start(t, "pipeline", "sh -c 'echo $$; exec sleep 1000' | cat")
		pid, err := strconv.Atoi(p.Hear())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, p, 128+int(sig.(syscall.Signal)))
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d still runs", pid)
		}
	}
}
