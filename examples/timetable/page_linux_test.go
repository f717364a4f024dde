package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// page is a timetable and a browser that shows it.
type page struct {
	*tab
	*site
	file string
}

const monday = "2026-11-23"

func newPage(t *testing.T) *page {
	t.Helper()
	b := browse(t)
	p := &page{tab: b, file: filepath.Join(t.TempDir(), "timetable.db")}
	p.site = serve(t, p.file)
	b.open(p.url, monday)
	return p
}

// wantEvents waits until the table shows these events, and no others.
func (p *page) wantEvents(want ...string) {
	p.tab.t.Helper()
	slices.Sort(want)
	text, err := json.Marshal(append([]string{}, want...))
	if err != nil {
		p.tab.t.Fatal(err)
	}
	p.await(fmt.Sprintf("JSON.stringify(%s.sort()) === JSON.stringify(%s)", shownEvents, text))
}

func TestEventsStay(t *testing.T) {
	p := newPage(t)
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T10:30")
	p.enter("Sport <b>& games</b>", "2026-11-26T14:15", "2026-11-26T15:00")
	want := []string{"Mon 23 09:00 Maths 09:00–10:30", "Thu 26 14:00 Sport <b>& games</b> 14:15–15:00"}
	p.wantEvents(want...)

	p.do(chromedp.Reload())
	p.wantEvents(want...)

	p.site.end(t)
	p.await(`document.getElementById("store")?.dataset.phase === "away"`)
	p.picture("away")
	p.site = serve(t, p.file)
	p.open(p.url, monday)
	p.wantEvents(want...)
}

func TestBadInput(t *testing.T) {
	p := newPage(t)
	for _, c := range []struct{ name, start, end, field, word string }{
		{"", "2026-11-23T09:00", "2026-11-23T10:00", "name", "Give the event a name."},
		{"Maths", "", "2026-11-23T10:00", "start", "Say when the event starts."},
		{"Maths", "2026-11-23T09:00", "", "end", "Say when the event ends."},
		{"Maths", "2026-11-23T09:00", "2026-11-23T08:00", "end", "The end has to be after the start."},
		{"Maths", "2026-03-29T02:30", "2026-03-29T04:00", "start", "The clocks don't show this time on that day: they are put forward."},
	} {
		p.fill(c.name, c.start, c.end)
		p.click("#save")
		p.awaitText(c.field+"-error", c.word)
		if got := eval[string](p.tab, "document.activeElement.id"); got != c.field {
			t.Errorf("%s: the focus is at %q", c.word, got)
		}
		if n := eval[int](p.tab, "document.querySelectorAll('[aria-invalid=true]').length"); n != 1 {
			t.Errorf("%s: %d fields are marked", c.word, n)
		}
	}
	p.fill("", "", "")
	p.click("#save")
	p.await(`document.querySelectorAll("[aria-invalid=true]").length === 3`)
	p.picture("refused")
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T10:00")
	p.await(`document.querySelectorAll("[aria-invalid=true]").length === 0`)
	p.wantEvents("Mon 23 09:00 Maths 09:00–10:00")
}

func TestOverlaps(t *testing.T) {
	p := newPage(t)
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T11:00")
	p.enter("Dentist", "2026-11-23T10:00", "2026-11-23T12:00")
	p.enter("Call", "2026-11-23T11:00", "2026-11-23T11:10")
	p.enter("Choir", "2026-11-23T12:00", "2026-11-23T13:00")
	p.enter("Night train", "2026-11-24T22:40", "2026-11-25T06:15")
	p.enter("Party", "2026-11-29T23:00", "2026-11-30T00:00")
	p.wantEvents(
		"Mon 23 09:00 Maths 09:00–11:00",
		"Mon 23 10:00 Dentist 10:00–12:00",
		"Mon 23 11:00 Call 11:00–11:10",
		"Mon 23 12:00 Choir 12:00–13:00",
		"Tue 24 22:00 Night train Tue 24, 22:40 – Wed 25, 06:15",
		"Wed 25 00:00 Night train Tue 24, 22:40 – Wed 25, 06:15",
		"Sun 29 23:00 Party 23:00–00:00",
	)
	// Nothing covers anything.
	covered := eval[[]string](p.tab, `(() => {
		const boxes = [...document.querySelectorAll(".event")].map(e => [e.textContent, e.getBoundingClientRect()]), covered = [];
		for (const [a, x] of boxes) for (const [b, y] of boxes)
			if (a < b && x.left < y.right && y.left < x.right && x.top < y.bottom && y.top < x.bottom) covered.push(a + " / " + b);
		return covered;
	})()`)
	if len(covered) > 0 {
		t.Errorf("events cover each other: %q", covered)
	}
	if full := eval[bool](p.tab, `(() => {
		const choir = [...document.querySelectorAll(".event")].find(e => e.textContent.startsWith("Choir"));
		return choir.offsetWidth > 0.9 * choir.parentElement.offsetWidth;
	})()`); !full {
		t.Error("an event that overlaps nothing is narrow")
	}
	eval[bool](p.tab, "scrollBy(0, 0), document.getElementById('scroll').scrollTop = 350, true")
	p.picture("overlaps")
	p.click("#next")
	p.wantEvents() // the party ended at midnight
}

func TestTimeZones(t *testing.T) {
	p := newPage(t)
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T10:00")
	if _, err := chromedp.Call(p.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"}); err != nil {
		t.Fatal(err)
	}
	p.open(p.url, monday)
	p.wantEvents("Mon 23 17:00 Maths 17:00–18:00")
	p.await(`document.querySelector(".event").textContent.includes("09:00 in Europe/Berlin")`)

	// A change keeps the zone in which the event was entered.
	p.click(".event")
	p.await(`document.getElementById("zone").value === "Europe/Berlin" && document.getElementById("start").value === "2026-11-23T09:00"`)
	p.enter("Maths", "2026-11-23T23:00", "2026-11-24T00:00")
	p.wantEvents("Tue 24 07:00 Maths 07:00–08:00")
}

func (p *page) storePID() int {
	p.tab.t.Helper()
	p.await(`document.getElementById("store")?.dataset.phase === "running"`)
	digits := regexp.MustCompile(`\d+`).FindString(p.text("store"))
	pid, err := strconv.Atoi(digits)
	if err != nil {
		p.tab.t.Fatal(err)
	}
	return pid
}

func kill(t *testing.T, pid int) {
	t.Helper()
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
		process.Release()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStoreIsKilled(t *testing.T) {
	p := newPage(t)
	var want []string
	for i := range 5 {
		pid := p.storePID()
		name := fmt.Sprint("Lesson ", i)
		p.fill(name, fmt.Sprintf("2026-11-2%dT10:00", 3+i), fmt.Sprintf("2026-11-2%dT11:00", 3+i))
		kill(t, pid)
		p.click("#save")
		p.awaitText("status", "Saved “"+name+"”.")
		p.await(fmt.Sprintf(`document.getElementById("store").textContent.startsWith("The store is back") &&
			!document.getElementById("store").textContent.includes(" %d)")`, pid))
		day := time.Date(2026, 11, 23+i, 0, 0, 0, 0, time.UTC)
		want = append(want, fmt.Sprintf("%s 10:00 %s 10:00–11:00", day.Format("Mon 2"), name))
	}
	p.wantEvents(want...)
	p.do(chromedp.Reload())
	p.wantEvents(want...)
}

// TestStoreHangs stops the store's process for good: the page says so, and saves what is
// entered by the next one.
func TestStoreHangs(t *testing.T) {
	p := newPage(t)
	pid := p.storePID()
	ipctest.Stop(t, pid)
	p.fill("Maths", "2026-11-23T09:00", "2026-11-23T10:00")
	p.click("#save")
	p.await(`document.getElementById("store").dataset.phase === "hanging"`)
	if text, want := p.text("store"), fmt.Sprintf("The store doesn’t answer (process %d).", pid); !strings.HasPrefix(text, want) {
		t.Errorf("the page says %q, want %q", text, want)
	}
	p.picture("hanging")
	p.awaitText("status", "Saved “Maths”.")
	p.await(`document.getElementById("store").textContent.startsWith("The store is back")`)
	p.wantEvents("Mon 23 09:00 Maths 09:00–10:00")
}

// TestClocksChange shows the weeks in which they do, in both directions.
func TestClocksChange(t *testing.T) {
	p := newPage(t)
	p.open(p.url, "2026-03-23")
	p.enter("Night", "2026-03-28T23:00", "2026-03-29T04:00")
	p.enter("Early", "2026-03-29T03:00", "2026-03-29T03:30")
	p.wantEvents("Sat 28 23:00 Night Sat 28, 23:00 – Sun 29, 04:00", "Sun 29 00:00 Night Sat 28, 23:00 – Sun 29, 04:00",
		"Sun 29 03:00 Early 03:00–03:30")
	p.picture("spring")
	p.click("#next")
	p.wantEvents()
	p.open(p.url, "2026-10-19")
	p.enter("Night", "2026-10-24T23:00", "2026-10-25T04:00")
	p.enter("Twice", "2026-10-25T02:30", "2026-10-25T03:00")
	p.wantEvents("Sat 24 23:00 Night Sat 24, 23:00 – Sun 25, 04:00", "Sun 25 00:00 Night Sat 24, 23:00 – Sun 25, 04:00",
		"Sun 25 02:00 Twice 02:30–03:00")
	p.click("#next")
	p.wantEvents()
	p.click("#previous")
	p.await(`document.querySelectorAll(".event").length === 3`)
}

func TestStoreIsAway(t *testing.T) {
	p := newPage(t)
	release := p.keepStoreAway(t)
	p.await(`document.getElementById("store").textContent.includes("another program has it open")`)
	p.fill("Maths", "2026-11-23T09:00", "2026-11-23T10:00")
	p.click("#save")
	p.awaitText("status", "Saving …")
	p.picture("stopped")
	p.awaitText("status", "The store doesn't answer yet. Not saved yet: this page goes on trying.")
	p.picture("waiting")
	release()
	p.awaitText("status", "Saved “Maths”.")
	p.storePID()
	p.wantEvents("Mon 23 09:00 Maths 09:00–10:00")
}

// keepStoreAway kills the store and locks the file before the next one can: it waits for
// the lock already when the store dies.
func (p *page) keepStoreAway(t *testing.T) (release func()) {
	t.Helper()
	pid := p.storePID()
	file, err := os.OpenFile(p.file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	locked := make(chan error, 1)
	go func() { locked <- syscall.Flock(int(file.Fd()), syscall.LOCK_EX) }()
	if err := ipctest.AwaitAsleep("syscall.Flock", 1); err != nil {
		t.Fatal(err)
	}
	kill(t, pid)
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	return func() { file.Close() }
}

// TestDraft looks at another event while a new one is being typed.
func TestDraft(t *testing.T) {
	p := newPage(t)
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T10:00")
	p.wantEvents("Mon 23 09:00 Maths 09:00–10:00")
	p.fill("Sport", "2026-11-24T09:00", "2026-11-24T10:00")
	p.click(".event")
	p.await(`document.getElementById("name").value === "Maths"`)
	p.enter("Physics", "2026-11-23T09:00", "2026-11-23T10:00")
	p.wantEvents("Mon 23 09:00 Physics 09:00–10:00")
	if got := eval[string](p.tab, "document.getElementById('name').value + document.getElementById('start').value"); got != "Sport2026-11-24T09:00" {
		t.Errorf("of the new event there is %q", got)
	}
	p.click("#save")
	p.wantEvents("Mon 23 09:00 Physics 09:00–10:00", "Tue 24 09:00 Sport 09:00–10:00")
}

// TestKeyboard does everything with it.
func TestKeyboard(t *testing.T) {
	p := newPage(t)
	focus := func() string {
		return eval[string](p.tab, "document.activeElement.id || document.activeElement.textContent")
	}
	press := func(keys string) { p.do(chromedp.KeyEvent(keys)) }
	until := func(there func(string) bool, key string) {
		t.Helper()
		for range 60 {
			if there(focus()) {
				return
			}
			press(key)
		}
		t.Fatalf("the focus does not get there with %q; it is at %q", key, focus())
	}
	to := func(id string) { t.Helper(); until(func(at string) bool { return at == id }, kb.Tab) }

	to("name")
	press("Maths")
	to("start")
	before := eval[string](p.tab, "start.value + ' ' + end.value")
	press(kb.ArrowUp)
	if after := eval[string](p.tab, "start.value + ' ' + end.value"); after == before || after[:5] == after[17:22] && after[11:16] == after[28:33] {
		t.Errorf("start and end were %s and are %s: the end is to follow", before, after)
	}
	press(kb.Enter)
	p.awaitText("status", "Saved “Maths”.")
	if focus() != "name" {
		t.Errorf("after saving the focus is at %q", focus())
	}
	until(func(at string) bool { return strings.HasPrefix(at, "Maths") }, kb.Tab)
	press(kb.Enter)
	p.awaitText("form-title", "Change event")
	press(" and physics") // the text that is there is selected or the caret stands at its end
	press(kb.Enter)
	p.await(`document.getElementById("status").textContent.startsWith("Saved") && document.querySelector(".event").textContent.includes("physics")`)

	until(func(at string) bool { return strings.Contains(at, "physics") }, kb.Tab)
	press(kb.Enter)
	p.awaitText("form-title", "Change event")
	to("delete")
	press(kb.Enter)
	p.await(`document.querySelectorAll(".event").length === 0 && document.activeElement.id === "undo"`)
	press(kb.Enter)
	p.await(`document.querySelectorAll(".event").length === 1`)
	to("next")
	week := p.text("week-title")
	press(kb.Enter)
	p.await(fmt.Sprintf(`document.getElementById("week-title").textContent !== %q`, week))
}

// TestScreenReader reads what a screen reader is given.
func TestScreenReader(t *testing.T) {
	p := newPage(t)
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T10:00")
	p.wantEvents("Mon 23 09:00 Maths 09:00–10:00")
	tree, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	word := func(v *accessibility.Value) string {
		if v == nil {
			return ""
		}
		var text string
		json.Unmarshal(v.Value, &text) // it may be a number, which nothing here asks for
		return text
	}
	roles := map[string]int{}
	var read []string
	for _, node := range tree.Nodes {
		if node.Ignored {
			continue
		}
		role, name := word(node.Role), word(node.Name)
		roles[role]++
		read = append(read, role+": "+name)
		switch role {
		case "button", "textbox", "DateTime", "Date", "combobox", "table", "region", "form", "columnheader", "rowheader", "group":
			if name == "" {
				t.Errorf("a %s without a name", role)
			}
		}
	}
	for _, want := range []string{"textbox: Name", "form: New event", "columnheader: Mon 23", "rowheader: 09:00",
		"button: Maths 09:00–10:00 change", "button: Previous week", "heading: Timetable"} {
		if !slices.Contains(read, want) {
			t.Errorf("nothing reads as %q", want)
		}
	}
	if roles["table"] != 1 || roles["columnheader"] != 7 || roles["rowheader"] != 24 || roles["status"] != 2 {
		t.Errorf("the roles are %v", roles)
	}
	if t.Failed() {
		t.Log(strings.Join(read, "\n"))
	}
}

func TestPhone(t *testing.T) {
	p := newPage(t)
	p.do(chromedp.EmulateViewport(320, 640, chromedp.EmulateMobile))
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T10:00")
	p.enter("A name that is long enough to need several lines", "2026-11-24T09:00", "2026-11-24T10:00")
	p.enter("Sport", "2026-11-24T09:30", "2026-11-24T10:30")
	fits := func() {
		t.Helper()
		if width := eval[int](p.tab, "document.documentElement.scrollWidth"); width > 320 {
			t.Errorf("the page is %d pixels wide", width)
		}
		if width := eval[int](p.tab, "document.getElementById('scroll').scrollWidth - document.getElementById('scroll').clientWidth"); width > 0 {
			t.Errorf("the table is %d pixels too wide", width)
		}
	}
	p.await(`document.querySelectorAll(".event").length === 3`)
	fits()
	visible := func() []string {
		return eval[[]string](p.tab, `[...document.querySelectorAll(".event")].filter(e => e.checkVisibility()).map(e => e.querySelector(".name").textContent)`)
	}
	if got := visible(); len(got) != 2 {
		t.Errorf("on Tuesday %q are shown", got)
	}
	p.picture("phone-form")
	eval[bool](p.tab, "document.getElementById('days').scrollIntoView(), true")
	p.picture("phone-day")
	p.click("#days button")
	p.await(`document.querySelector("#days button").getAttribute("aria-pressed") === "true"`)
	if got := visible(); !slices.Equal(got, []string{"Maths"}) {
		t.Errorf("on Monday %q are shown", got)
	}
	fits()
	small := eval[[]string](p.tab, `[...document.querySelectorAll("button:not(.event), input, select")].filter(e => e.checkVisibility() &&
		(e.offsetHeight < 40 || e.offsetWidth < 34)).map(e => (e.id || e.textContent) + " " + e.offsetWidth + "x" + e.offsetHeight)`)
	if len(small) > 0 {
		t.Errorf("too small for a finger: %q", small)
	}
}

func TestDarkScheme(t *testing.T) {
	p := newPage(t)
	p.enter("Maths", "2026-11-23T09:00", "2026-11-23T10:30")
	p.enter("Dentist", "2026-11-24T10:00", "2026-11-24T12:00")
	p.await(`document.querySelectorAll(".event").length === 2`)
	light := eval[string](p.tab, "getComputedStyle(document.body).backgroundColor")
	p.picture("light")
	dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, dark); err != nil {
		t.Fatal(err)
	}
	if got := eval[string](p.tab, "getComputedStyle(document.body).backgroundColor"); got == light {
		t.Error("the page is as light as before")
	}
	p.picture("dark")
}
