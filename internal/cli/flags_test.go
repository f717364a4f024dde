package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// eachVerb calls f with every command that a user sees.
func eachVerb(cmd *cobra.Command, f func(*cobra.Command)) {
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			f(c)
			eachVerb(c, f)
		}
	}
}

// -n is --try in every verb that has it, and nothing else.
func TestLetterNIsTryEverywhere(t *testing.T) {
	tries := 0
	eachVerb(newRoot(), func(cmd *cobra.Command) {
		if flag := cmd.Flags().ShorthandLookup("n"); flag != nil && flag.Name != "try" {
			t.Errorf("-n of %s is --%s", cmd.CommandPath(), flag.Name)
		}
		if flag := cmd.Flags().Lookup("try"); flag != nil {
			tries++
			if flag.Shorthand != "n" {
				t.Errorf("--try of %s has the letter %q", cmd.CommandPath(), flag.Shorthand)
			}
		}
	})
	if tries < 3 {
		t.Errorf("%d verbs have --try", tries)
	}
}

// withoutJSON says why a verb has no --json.
var withoutJSON = map[string]string{
	"lock":       "its output is COMMAND's",
	"completion": "its output is a script",
	"help":       "its output is for people",
	"replay":     "it has no output",
}

// Every verb that reports has --json, and its help says which fields that has.
func TestEveryVerbThatReportsHasJSON(t *testing.T) {
	eachVerb(newRoot(), func(cmd *cobra.Command) {
		verb := strings.Fields(cmd.CommandPath())[1]
		flag := cmd.Flags().Lookup("json")
		switch why := withoutJSON[verb]; {
		case flag == nil && why == "":
			t.Errorf("ipc %s has no --json", verb)
		case flag != nil && why != "":
			t.Errorf("ipc %s has --json although %s", verb, why)
		case flag != nil && !strings.Contains(cmd.Long, "With --json"):
			t.Errorf("the help of ipc %s doesn't say what --json prints", verb)
		}
	})
}

// Every flag that takes a size takes it as people write it.
func TestEverySizeIsHuman(t *testing.T) {
	eachVerb(newRoot(), func(cmd *cobra.Command) {
		for _, name := range []string{"size", "offset", "length"} {
			if flag := cmd.Flags().Lookup(name); flag != nil && flag.Value.Set("64MiB") != nil {
				t.Errorf("ipc %s --%s doesn't take 64MiB", cmd.Name(), name)
			}
		}
	})
}

func TestVerbsOfPermitsAndEventsReportInJSON(t *testing.T) {
	sem := createSync(t, "sem", "--value", "3")
	event := createSync(t, "event", "--manual")
	for _, test := range []struct {
		words []string
		event string
		count int
	}{
		{[]string{"acquire", sem, "--count", "2"}, "acquired", 2},
		{[]string{"release", sem, "-c", "2"}, "released", 2},
		{[]string{"set", event}, "set", 0},
		{[]string{"wait", event}, "waited", 0},
		{[]string{"reset", event}, "reset", 0},
	} {
		e := parse(t, succeed(t, "", append(test.words, "--json")...))
		if e.Event != test.event || e.URL != test.words[1] || e.Count != test.count || e.Time.IsZero() {
			t.Errorf("ipc %v: %+v", test.words, e)
		}
	}
	if r := run(t, "", "wait", event, "--try", "--json"); r.code != exitTimeout || r.stdout != "" {
		t.Errorf("%+v", r)
	}
	if r := run(t, "", "acquire", sem, "--json", "--", "true"); r.code != exitUsage || !strings.Contains(r.stderr, "COMMAND") {
		t.Errorf("%+v", r)
	}
}
