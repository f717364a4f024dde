package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/demo"
)

// endlessEnv makes ipc demo show one exchange, and then wait until it is stopped.
const endlessEnv = "IPC_TEST_ENDLESS_DEMO"

func endlessDemo(ctx context.Context, show func(demo.Event)) ([]demo.Event, error) {
	show(demo.Event{Event: demo.Exchange, Mechanism: "endless", Process: "server", PID: 1, Text: "waits \x1b[2J"})
	<-ctx.Done()
	return []demo.Event{
		{Event: demo.Row, Mechanism: "endless", Verdict: demo.Failed, Error: context.Cause(ctx).Error() + "\x1b[2J"},
		{Event: demo.Row, Mechanism: "quick", Verdict: demo.OK, Crossed: "one", RoundTrips: 1, P50: 400, P99: 12345},
	}, nil
}

// quickEnv makes ipc demo show one exchange and one row, without processes.
const quickEnv = "IPC_TEST_QUICK_DEMO"

func quickDemo(_ context.Context, show func(demo.Event)) ([]demo.Event, error) {
	show(demo.Event{Event: demo.Exchange, Mechanism: "quick", Process: "server", PID: 1, Text: "is quick"})
	return []demo.Event{{Event: demo.Row, Mechanism: "quick", Verdict: demo.OK, Crossed: "one", RoundTrips: 1, P50: 400, P99: 12345}}, nil
}

func TestDemo(t *testing.T) {
	verdicts := map[string]int{}
	r := run(t, "", "demo", "--json")
	if r.code != 0 {
		t.Fatalf("%+v", r) // the rows say which exchange failed
	}
	for line := range strings.Lines(r.stdout) {
		var e demo.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		verdicts[e.Verdict]++
	}
	if verdicts[demo.OK] < len(demo.Schemes())/2 || verdicts[""] <= verdicts[demo.OK] || verdicts[demo.Failed] > 0 {
		t.Errorf("verdicts %v", verdicts)
	}
}
