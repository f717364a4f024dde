// Package models checks the Promela models in this folder with spin. It imports
// nothing of this module, so that go test has to repeat it only after a change
// here.
package models

import (
	"embed"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// source are the models. Embedded they are part of the test binary, which go test
// compares by content: neither a checkout nor a touched file repeats the checks.
//
//go:embed *.pml
var source embed.FS

// A check is one variant of a model.
type check struct {
	words  string // defined for it
	broken string // what is broken in it; empty if it must hold
}

// checks are the variants of each model. Those that are broken must fail, which
// shows that the others could.
var checks = []struct {
	model    string
	variants []check
}{
	{"mutex", []check{
		{"", ""},
		{"KILL", ""},
		{"KILL JOIN", ""},
		{"KILL CLOSE", ""},
		{"REMOVE", ""},
		{"KILL REMOVE", ""},
		{"NO_FENCE", "Unlock is a plain store, still in its buffer when the process looks at the gate"},
		{"NO_COUNT", "a second Unlock gives up what was locked after the first"},
		{"KILL NO_RECHECK", "no process looks again after 100 ms"},
		{"KILL JOIN NO_GENERATION", "the process that has the dead holder's slot is taken for it"},
		{"KILL JOIN PROBE_FIRST", "the slot was probed, then the word read again"},
		{"KILL JOIN TWO_STEPS", "the dead holder's word is set free, and recovered set with the next step"},
		{"KILL JOIN UNLOCK_CLEARS", "Unlock clears recovered, marked or not"},
		{"KILL JOIN TAKE_CLEARS", "taking from none clears recovered"},
		{"REMOVE NO_WAKE_ALL", "those that wait for what is removed are not woken"},
		{"REMOVE UNLINK_FIRST", "the name is free before the word is marked"},
		{"REMOVE NO_LOCK", "the name may have been given to another object since it was looked at"},
		{"REMOVE UNLOCK_UNMARKS", "Unlock clears the mark"},
		{"KILL REMOVE STEAL_REMOVED", "a marked word is taken from a dead holder"},
		{"KILL REMOVE NO_REPLACE", "what is marked counts as existing"},
		{"KILL CLOSE WITHDRAW_CLEARS", "giving back what was taken during Close clears recovered"},
	}},
	{"rwmutex", []check{
		{"", ""},
		{"CANCEL", ""},
		{"JOIN", ""},
		{"KILL", ""},
		{"KILL JOIN CANCEL", ""},
		{"CLOSE", ""},
		{"CLOSE CANCEL", ""},
		{"CANCEL TURN_AS_GIVEN", "a writer that gave readers the turn wakes no writer, though the readers have left"},
		{"CANCEL TURN_KEPT", "a reader that gives up when it has been given the turn keeps it"},
		{"CANCEL WAKE_NO_WRITER", "a writer that unlocks or gives up wakes only readers"},
		{"CLOSE LATE_REFUSAL", "a waiter that is closed passes on what others wait for when Close may have ended"},
		{"LOOK_FIRST", "a reader looks at the word, then counts itself"},
		{"NO_FENCE", "its count is still in its buffer when it looks at the word"},
		{"JOIN UNUSED", "a process doesn't say that its slot is used"},
		{"KILL JOIN NO_RECHECK", "no process looks again after 100 ms"},
		{"KILL JOIN COUNT_FIRST PROBE_FIRST", "a slot was probed, then its readers were read again, and a reader counts itself whatever the word is"},
		{"CLOSE BLIND_COUNT", "a process that is late counts itself in a slot that is another's by now"},
		{"KILL JOIN UNLOCK_CLEARS", "Unlock clears recovered, marked or not"},
		{"KILL JOIN TAKE_CLEARS", "taking from none clears recovered"},
		{"KILL JOIN CANCEL GIVE_UP_CLEARS", "a pending writer that gives up clears recovered"},
		{"KILL JOIN PENDING_SETS", "the death of a pending writer sets recovered"},
		{"KILL JOIN READER_UNTOLD", "recovered is set, but readers are not told"},
		{"KILL JOIN READER_FORGETS", "a reader sets a dead writer's word free without recovered"},
	}},
	{"semaphore", []check{
		{"", ""},
		{"CANCEL", ""},
		{"KILL", ""},
		{"KILL CANCEL", ""},
		{"CLOSE", ""},
		{"CLOSE CANCEL", ""},
		{"NO_CAS", "the new value is stored, whatever was taken meanwhile"},
		{"HALF_CAS", "waiters are read, then the half with the permits is changed alone"},
		{"NO_COMPARE", "the kernel puts to sleep whatever the value is"},
		{"CANCEL NO_PASSING", "a process that was woken and takes nothing wakes no other"},
		{"CANCEL CANCEL_BEFORE_LOOK", "a process that was woken and cancelled leaves without a look"},
		{"KILL NO_RECHECK", "no process looks again after 100 ms"},
		{"CLOSE NO_LOOK", "Close doesn't look again after it has replaced the memory"},
	}},
	{"track", []check{
		{"", ""},
		{"OPEN", ""},
		{"NO_REMOVE", ""},
		{"NO_SECOND_LOOK", "a process doesn't look whether its semaphore still has its name"},
		{"BY_PATH", "the table's name is removed whatever has it by now"},
		{"BLIND_REMOVE", "Remove removes whatever table has the name by now"},
		{"EARLY_LOOK", "Remove looks which semaphore has the name, then which one has the table"},
		{"OPEN BLIND_DISCARD", "a process that made a table removes it, though another semaphore may have it"},
		{"NO_REMOVE NO_NOTE", "taking is not noted"},
	}},
	{"parkwake", []check{
		{"", ""},
		{"CANCEL", ""},
		{"KILL", ""},
		{"NO_FENCE", "the store is still in its buffer when the process reads the gate"},
		{"LOOK_FIRST", "the look comes before the announcement"},
		{"NO_MOVE", "the gate is not moved on when the announcement is taken down"},
		{"NO_SECOND_WAKE", "no wake-up follows after the announcement was taken down"},
		{"CANCEL NO_PROMOTE", "a waiter that leaves doesn't promote the next"},
		{"CANCEL CANCEL_BEFORE_LOOK", "a waiter that was woken and cancelled leaves without a look"},
		{"CANCEL PARK_CANCELLED", "a waiter parks again without asking its context"},
		{"KILL NO_RECHECK", "no process looks again after 100 ms"},
	}},
	{"latest", []check{
		{"", ""},
		{"NO_BARRIER", "the next slot is filled before the version is published"},
		{"NO_RELEASE", "the version is published before its slot is filled"},
		{"WIDE_LIMIT", "the slot that was copied may have been filled again"},
	}},
	{"latestwait", []check{
		{"", ""},
		{"NO_MEMBARRIER", "the waiter looks before what the writer's load has overtaken is there"},
		{"LATE_ANNOUNCE", "the waiter announces itself after it has looked"},
	}},
	{"ring", []check{
		{"", ""},
		{"KILL", ""},
		{"NO_CLEAR", "the word after a record is not cleared"},
		{"NO_FREE_CELL", "the word after a record is cleared though it is that of the oldest one"},
		{"BLIND", "a sender whose tail is out of date reserves any empty word"},
		{"KILL TAIL_FIRST", "the tail is moved before the word after the record is cleared"},
		{"KILL NO_LOCK", "several processes end a record at the same time"},
		{"KILL NO_RECOVERY", "no process ends the record of a dead sender"},
	}},
	{"ringwait", []check{
		{"", ""},
		{"CLOSE", ""},
		{"NO_MEMBARRIER", "the waiter looks before what the other's load has overtaken is there"},
		{"LATE_ANNOUNCE", "the waiter announces itself after it has looked"},
		{"LOOK_FIRST", "a process looks at the gate, then publishes"},
		{"CLOSE NO_LATE_WAKE", "Close doesn't look for waiters after it has replaced the memory"},
	}},
	{"shmnet", []check{
		{"", ""},
		{"KILL", ""},
		{"HALF", ""},
		{"KILL HALF", ""},
		{"CLOSE", ""},
		{"CLOSE BLIND_PUBLISH", "bytes are published though the connection was closed meanwhile"},
		{"NO_FENCE", "the position is still in its buffer when the writer looks whether the reader is parked"},
		{"LOOK_FIRST", "the writer announces that it parks, and doesn't look again"},
		{"GONE_LAST", "the reader looks at the words, then whether the writer has gone"},
		{"CLOSE_FIRST", "the socket closes before the end is published"},
		{"HALF NO_END_BELL", "the end is published, and a parked reader isn't told"},
	}},
	{"shmnetbells", []check{
		{"", ""},
		{"INTERRUPT", ""},
		{"INTERRUPT NO_NEWS_LOOK", "a side that becomes the listener doesn't look whether it was notified before"},
		{"WAKE_ASLEEP", "a bell is passed on only to a side that sleeps already"},
		{"NO_HANDOVER", "the listener leaves without a word to the side that sleeps"},
	}},
	{"shmnetturn", []check{
		{"", ""},
		{"CLOSE", ""},
		{"CLOSE HELD", ""},
		{"NO_MEMBARRIER", "a waiter tries before what the holder's load has overtaken is there"},
		{"LATE_COUNT", "a waiter counts itself after it has tried"},
		{"CLOSE NO_CLOSE_FENCE", "Close tries the lock before what a call's load of closed has overtaken is there"},
		{"CLOSE HELD STAYS_LISTENS", "a waiter that doesn't leave takes the word for one that would"},
	}},
}

// TestModels checks every variant exhaustively.
func TestModels(t *testing.T) {
	spin, gcc := tool(t, "spin"), tool(t, "gcc")
	for _, m := range checks {
		for _, c := range m.variants {
			want := "holds"
			if c.broken != "" {
				want = "fails"
			}
			t.Run(strings.TrimSpace(strings.Join([]string{m.model, want, c.words}, " ")), func(t *testing.T) {
				t.Parallel()
				out := run(t, spin, gcc, m.model, c)
				holds, fails := strings.Contains(out, "errors: 0\n"), strings.Contains(out, "errors: 1\n")
				complete := !strings.Contains(out, "Search not completed") && !strings.Contains(out, "max search depth too small")
				switch {
				case c.broken == "" && !(holds && complete):
					t.Errorf("it fails; docs/models/README.md says how to see the steps:\n%s", out)
				case c.broken != "" && !fails:
					t.Errorf("it holds, although %s:\n%s", c.broken, out)
				}
			})
		}
	}
}

// run makes the checker of one variant, and returns what it prints.
func run(t *testing.T, spin, gcc, model string, c check) string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
		return string(out)
	}
	text, err := source.ReadFile(model + ".pml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, model+".pml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-a"}
	for _, w := range strings.Fields(c.words) {
		args = append(args, "-D"+w)
	}
	in(spin, append(args, model+".pml")...)
	// What fails does so after a fraction of the states: compiling takes longer.
	optimize := "-Og"
	if c.broken != "" {
		optimize = "-O0"
	}
	in(gcc, optimize, "-w", "-DSAFETY", "-o", "pan", "pan.c")
	return in(filepath.Join(dir, "pan"), "-m20000", "-w22")
}

func tool(t *testing.T, name string) string {
	t.Helper()
	file, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("IPC_REQUIRE_PEERS") != "":
		t.Fatal("a tool is missing: ", err)
	default:
		t.Skip("a tool is missing (install Debian's packages spin and gcc): ", err)
	}
	return file
}

var condition = regexp.MustCompile(`(?m)^#(?:ifn?def|if|elif) .*`)
var word = regexp.MustCompile(`\b[A-Z][A-Z_]+\b`)

// TestVariants compares the table with the models, and with the words that each
// knows.
func TestVariants(t *testing.T) {
	var files []string
	for _, m := range checks {
		files = append(files, m.model+".pml")
		text, err := source.ReadFile(m.model + ".pml")
		if err != nil {
			t.Fatal(err)
		}
		var known, used []string
		for _, line := range condition.FindAllString(string(text), -1) {
			for _, w := range word.FindAllString(line, -1) {
				if !strings.Contains(string(text), "#define "+w+" ") {
					known = append(known, w)
				}
			}
		}
		for _, c := range m.variants {
			used = append(used, strings.Fields(c.words)...)
		}
		slices.Sort(known)
		slices.Sort(used)
		if k, u := slices.Compact(known), slices.Compact(used); !slices.Equal(k, u) {
			t.Errorf("%s knows %q, and is checked with %q", m.model, k, u)
		}
	}
	slices.Sort(files)
	if there, _ := fs.Glob(source, "*"); !slices.Equal(files, there) {
		t.Errorf("there are %q, and checks of %q", there, files)
	}
}
