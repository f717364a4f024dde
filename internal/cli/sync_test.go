package cli

import (
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// syncURL returns a URL that no other test uses. What it names is removed when the
// test is over.
func syncURL(t testing.TB, scheme string) string {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("semaphores, locks and events are for Linux and Windows")
	}
	url := scheme + "://" + ipctest.UniqueName()
	t.Cleanup(func() { run(t, "", "rm", "--force", url) })
	return url
}

// createSync makes an object of the scheme for the time of the test.
func createSync(t testing.TB, scheme string, args ...string) (url string) {
	t.Helper()
	url = syncURL(t, scheme)
	if mechanismOf(scheme).vanishes() {
		createHeld(t, url, args...)
	} else {
		succeed(t, "", append([]string{"create", url}, args...)...)
	}
	return url
}

// stat returns what ipc stat prints as JSON.
func stat(t testing.TB, url string) ipcsync.Stats {
	t.Helper()
	var e statLine
	d := json.NewDecoder(strings.NewReader(succeed(t, "", "stat", url, "--json")))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatal(err)
	}
	if e.Event != "stat" || e.URL != url || time.Since(e.Time).Abs() > time.Hour {
		t.Errorf("%+v", e)
	}
	orUnknown := func(n *int) int {
		if n == nil {
			return -1
		}
		return *n
	}
	st := ipcsync.Stats{Value: orUnknown(e.Value), Max: orUnknown(e.Max), Holders: orUnknown(e.Holders), Waiters: orUnknown(e.Waiters)}
	if e.Recoveries != nil {
		st.Recoveries = *e.Recoveries
	}
	for _, p := range e.Processes {
		st.PIDs = append(st.PIDs, p.PID)
	}
	return st
}

// awaitStat waits until ipc stat says what is wanted.
func awaitStat(t testing.TB, url string, wanted func(ipcsync.Stats) bool) ipcsync.Stats {
	t.Helper()
	for deadline := time.Now().Add(ipctest.Patience); ; {
		s := stat(t, url)
		if wanted(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("it stays at %+v", s)
		}
	}
}

func TestSemaphore(t *testing.T) {
	url := createSync(t, "sem", "--value", "1", "--max", "2")
	removal := "ipc rm " + url
	if runtime.GOOS == "windows" {
		removal = "last handle"
	}
	expectFailure(t, run(t, "", "create", url, "--value", "1"), exitError, "exists", removal)
	succeed(t, "", "acquire", url)
	expectFailure(t, run(t, "", "acquire", url, "--timeout", "30ms"), exitTimeout, url, "without a permit after 30ms")
	expectFailure(t, run(t, "", "acquire", url, "--try"), exitTimeout, url+" is without a permit")
	expectFailure(t, run(t, "", "acquire", url, "--timeout", "0s"), exitTimeout, url+" is without a permit")
	if r := run(t, "", "acquire", url, "--try", "--timeout", "0"); r.code != exitUsage {
		t.Errorf("%+v", r)
	}
	if out := succeed(t, "", "release", url, "--count", "2"); out != "" {
		t.Errorf("%q", out)
	}
	expectFailure(t, run(t, "", "release", url), exitError, "too large")
	if s := stat(t, url); s.Value != 2 || s.Max != 2 || len(s.PIDs) != 0 {
		t.Errorf("%+v", s)
	}
	succeed(t, "", "acquire", url, "-n")
	if s := stat(t, url); s.Value != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAcquireWaits(t *testing.T) {
	url := createSync(t, "sem", "--value", "0")
	p := start(t, "acquire", url, "--timeout", "60s")
	if runtime.GOOS == "linux" { // elsewhere it can't be told
		awaitStat(t, url, func(s ipcsync.Stats) bool { return s.Waiters == 1 })
	}
	succeed(t, "", "release", url)
	expectEnd(t, p, 0)
	if s := stat(t, url); s.Value != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAcquireCommand(t *testing.T) {
	exe, _ := os.Executable()
	url := createSync(t, "sem", "--value", "1")
	p := start(t, "acquire", url, "--", exe, lingerVerb, "7")
	p.Expect("lingering")
	if s := stat(t, url); s.Value != 0 || s.Holders != 1 || !slices.Equal(s.PIDs, []int{p.Process.Pid}) && !ipctest.UnderWine() {
		t.Errorf("%+v", s)
	}
	expectFailure(t, run(t, "", "acquire", url, "--timeout", "30ms", "--", exe, shoutVerb), exitTimedOut, "held by process")
	expectFailure(t, run(t, "", "acquire", url, "-n", "--", exe, shoutVerb), exitTimedOut, "held by process")
	p.CloseInput()
	expectEnd(t, p, 7)
	if s := stat(t, url); s.Value != 1 || s.Holders != 0 {
		t.Errorf("%+v", s)
	}
	if r := run(t, "through\n", "acquire", url, "--", exe, shoutVerb); r != (result{"THROUGH\n", "", 0}) {
		t.Errorf("%+v", r)
	}
}

// A permit of a killed ipc is given back.
func TestAcquireKilled(t *testing.T) {
	exe, _ := os.Executable()
	url := createSync(t, "sem", "--value", "1")
	p := start(t, "acquire", url, "--", exe, lingerVerb, "0")
	p.Expect("lingering")
	p.Kill()
	if r := run(t, "x\n", "acquire", url, "--timeout", "30s", "--", exe, shoutVerb); r != (result{"X\n", "", 0}) {
		t.Errorf("%+v", r)
	}
	if s := stat(t, url); s.Value != 1 || s.Recoveries != 1 {
		t.Errorf("%+v", s)
	}
}

func TestEvent(t *testing.T) {
	url := createSync(t, "event")
	expectFailure(t, run(t, "", "wait", url, "--timeout", "30ms"), exitTimeout, url, "not set after 30ms")
	expectFailure(t, run(t, "", "wait", url, "--try"), exitTimeout, "is not set")
	expectFailure(t, run(t, "", "wait", url, "--timeout", "0s"), exitTimeout, "is not set")
	succeed(t, "", "set", url)
	succeed(t, "", "set", url)
	succeed(t, "", "wait", url)
	expectFailure(t, run(t, "", "wait", url, "-n"), exitTimeout)
	succeed(t, "", "set", url)
	succeed(t, "", "reset", url)
	expectFailure(t, run(t, "", "wait", url, "-n"), exitTimeout)

	first, second := start(t, "wait", url), start(t, "wait", url)
	if runtime.GOOS == "linux" {
		awaitStat(t, url, func(s ipcsync.Stats) bool { return s.Waiters == 2 })
	}
	succeed(t, "", "set", url)
	select { // one of them
	case <-first.Done():
	case <-second.Done():
		first, second = second, first
	case <-time.After(ipctest.Patience):
		t.Fatal("no waiter came through")
	}
	expectEnd(t, first, 0)
	succeed(t, "", "set", url)
	expectEnd(t, second, 0)
}

func TestManualEvent(t *testing.T) {
	url := createSync(t, "event", "--manual")
	first, second := start(t, "wait", url), start(t, "wait", url)
	succeed(t, "", "set", url)
	expectEnd(t, first, 0)
	expectEnd(t, second, 0)
	succeed(t, "", "wait", url)
	if s := stat(t, url); s.Value != 1 {
		t.Errorf("%+v", s)
	}
	succeed(t, "", "reset", url)
	expectFailure(t, run(t, "", "wait", url, "-n"), exitTimeout)
}

func TestRemoveSync(t *testing.T) {
	for scheme, args := range map[string][]string{"sem": {"--value", "1"}, "mutex": nil, "rwmutex": nil, "event": nil} {
		t.Run(scheme, func(t *testing.T) {
			url := createSync(t, scheme, args...)
			if mechanismOf(scheme).vanishes() {
				expectFailure(t, run(t, "", "rm", url), exitError)
				return
			}
			if e := parse(t, succeed(t, "", "rm", url, "--json")); e.Event != "removed" || e.URL != url {
				t.Errorf("%+v", e)
			}
			expectFailure(t, run(t, "", "rm", url), exitError, "no such")
			expectFailure(t, run(t, "", "stat", url), exitError, "ipc create "+url)
		})
	}
}

// An object is there as long as its creator on Windows, and no longer.
func TestCreateHoldsSync(t *testing.T) {
	if runtime.GOOS != "windows" {
		t.Skip("objects outlive their creators here")
	}
	url := syncURL(t, "sem")
	p := createHeld(t, url, "--value", "3")
	if s := stat(t, url); s.Value != 3 {
		t.Errorf("%+v", s)
	}
	p.Kill()
	expectFailure(t, run(t, "", "stat", url), exitError, "no such semaphore")
}

func TestNoSuchSync(t *testing.T) {
	for _, line := range []string{
		"acquire sem://", "acquire sem:// --timeout 1s", "release sem://", "stat sem://", "stat mutex://", "stat rwmutex://",
		"stat event://", "wait event://", "set event://", "reset event://",
	} {
		words := strings.Fields(line)
		scheme, _, _ := strings.Cut(words[1], ":")
		words[1] = syncURL(t, scheme)
		expectFailure(t, run(t, "", words...), exitError, "no such", "ipc create "+words[1])
	}
	url := syncURL(t, "sem")
	exe, _ := os.Executable()
	expectFailure(t, run(t, "", "acquire", url, "--", exe, shoutVerb), exitOurs, "ipc create "+url)
	if runtime.GOOS != "windows" && isTracked(t, strings.TrimPrefix(url, "sem://")) {
		t.Error("something is left beside what isn't there")
	}
}

// Of what a dead process held of a semaphore nothing comes to the next one of that
// name.
func TestAcquireFromTheNextSemaphore(t *testing.T) {
	exe, _ := os.Executable()
	url := syncURL(t, "sem")
	for range 2 {
		var creator *ipctest.Process
		if runtime.GOOS == "windows" {
			creator = createHeld(t, url, "--value", "1")
		} else {
			succeed(t, "", "create", url, "--value", "1")
		}
		p := start(t, "acquire", url, "--timeout", "30s", "--", exe, lingerVerb, "0")
		p.Expect("lingering")
		if s := stat(t, url); s.Value != 0 {
			t.Errorf("%+v", s)
		}
		p.Kill()
		if creator != nil {
			creator.Kill()
		} else {
			succeed(t, "", "rm", url)
		}
	}
}

// isTracked reports whether there is a list of the holders of a semaphore's permits.
func isTracked(t *testing.T, name string) bool {
	t.Helper()
	path, err := object.Path("track", name, breezeway.Session)
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Lstat(path)
	return err == nil
}

// To look at a semaphore makes nothing new.
func TestStatMakesNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("create makes what is beside a semaphore here")
	}
	url := createSync(t, "sem", "--value", "1")
	if s := stat(t, url); s.Holders != -1 {
		t.Errorf("%+v", s)
	}
	if isTracked(t, strings.TrimPrefix(url, "sem://")) {
		t.Error("it is tracked now")
	}
}

func TestStatTable(t *testing.T) {
	for _, test := range []struct {
		kind  ipcsync.Kind
		stats ipcsync.Stats
		want  string
	}{
		{ipcsync.KindSemaphore, ipcsync.Stats{Max: 3, Holders: 2, Open: 7, Waiters: 4, Recoveries: 1, Owner: "5", Mode: 0o600},
			"value  max  holders  open  waiters  recoveries  owner  mode  processes\n0      3    2        7     4        1           5      0600  ?\n"},
		{ipcsync.KindSemaphore, ipcsync.Stats{Value: 1, Max: 2, Holders: -1, Open: -1, Waiters: -1},
			"value  max  holders  open  waiters  recoveries  owner  mode  processes\n1      2    ?        ?     ?        0           ?      ?     ?\n"},
		{ipcsync.KindMutex, ipcsync.Stats{Max: -1, Recoveries: 2, Owner: "5"},
			"state             holders  open  waiters  recoveries  owner  mode  processes\nlocked, orphaned  0        0     0        2           5      0000  -\n"},
	} {
		if got := syncState(test.kind, test.stats).table(); got != test.want {
			t.Errorf("%s", got)
		}
	}
	for scheme, want := range map[string]string{"sem": "1      2    ", "mutex": "free", "rwmutex": "free", "event": "not set"} {
		var args []string
		if scheme == "sem" {
			args = []string{"--value", "1", "--max", "2"}
		}
		url := createSync(t, scheme, args...)
		if got := succeed(t, "", "stat", url); !strings.Contains(got, "\n"+want) {
			t.Errorf("%s: %s", scheme, got)
		}
	}
}
