package cli

import (
	"os"
	"strings"
	"testing"
)

// The commands are this test binary, which all systems have.
func TestPipelineAnywhere(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SELF", exe)
	t.Setenv(commandEnv, "1")
	line := strings.Repeat(`"$SELF" shout | `, 2) + `"$SELF" shout`
	if got := succeed(t, "through three\n", "pipeline", line); got != "THROUGH THREE\n" {
		t.Errorf("got %q", got)
	}
	if r := run(t, "", "pipeline", `"$SELF" shout | "$SELF" --nonsense`); r.code != exitUsage {
		t.Errorf("%+v", r)
	}
	if r := run(t, "", "pipeline", `"$SELF" shout | no-such-program`); r.code != exitNotFound || !strings.Contains(r.stderr, "no-such-program") {
		t.Errorf("%+v", r)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 KiB", 100 << 10: "100 KiB", 1000 << 10: "1.0 MiB", 1 << 40: "1.0 TiB",
	} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
