package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// tab is a tab of a headless Chromium.
type tab struct {
	t      *testing.T
	ctx    context.Context
	opened int // how often
}

// browse starts a Chromium with one tab, by whose clock it is time in Berlin.
func browse(t *testing.T) *tab {
	t.Helper()
	return browseAt(t, t.TempDir())
}

// browseAt is browse with a folder for what Chromium leaves, its profile among it, and
// for its sockets: tests have short names.
func browseAt(t *testing.T, home string, options ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		ipctest.Missing(t, "chromium is not installed (Debian's package chromium)")
	}
	options = append([]chromedp.ExecAllocatorOption{
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.ExecPath(chromium),
		chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Env("TMPDIR="+home, "HOME="+home, "LANGUAGE=en_GB", "LANG=en_GB.UTF-8"),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.WindowSize(1280, 900),
	}, options...)
	ctx, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, _ = chromedp.NewContext(ctx)
	b := &tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error("the browser did not end: ", err)
		}
	})
	b.do() // starts it
	b.watchErrors()
	must(chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Berlin"}))(t)
	return b
}

// watchErrors fails the test if a script throws, or a page asks for what its policy
// forbids. That answers are refused or don't come is not among it: tests make it so.
func (b *tab) watchErrors() {
	b.t.Helper()
	var mu sync.Mutex
	var errors []string
	err := chromedp.Listen(b.ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			text := event.ExceptionDetails.Text
			if thrown := event.ExceptionDetails.Exception; thrown != nil {
				text += ": " + thrown.Description
			}
			errors = append(errors, text)
		case *log.EventEntryAdded:
			if event.Entry.Level == log.EntryLevelError && event.Entry.Source != log.EntrySourceNetwork {
				errors = append(errors, event.Entry.Text)
			}
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range errors {
			b.t.Error("the page: ", e)
		}
	})
}

// must returns a function that fails the test if there was an error.
func must[T any](_ T, err error) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, ipctest.Patience)
	defer cancel()
	if len(steps) == 0 {
		ctx = b.ctx // the first one, whose context is the browser's
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval returns what an expression, or the promise that it is, is in the page.
func eval[T any](b *tab, expression string) (v T) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, ipctest.Patience/2)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await waits until an expression becomes true by a change of the page.
func (b *tab) await(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, ipctest.Patience/2)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise(done => {
		const look = () => { if (!(`+expression+`)) return; seen.disconnect(); done(true); };
		const seen = new MutationObserver(look);
		seen.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
		look();
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.picture("failure")
		b.t.Fatalf("%s: %v; the page says %q and %q, and shows\n%s", expression, err,
			b.text("store"), b.text("status"), strings.Join(b.events(), "\n"))
	}
}

func (b *tab) text(id string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("document.getElementById(%q).textContent", id))
}

func (b *tab) awaitText(id, text string) {
	b.t.Helper()
	b.await(fmt.Sprintf("document.getElementById(%q).textContent === %q", id, text))
}

// open opens the timetable at a day, and waits until it knows of the store.
func (b *tab) open(url, day string) {
	b.t.Helper()
	b.opened++
	b.do(chromedp.Navigate(fmt.Sprintf("%s?%d#%s", url, b.opened, day))) // another fragment alone would load nothing
	b.await(`document.getElementById("store")?.dataset.phase === "running"`)
}

// shownEvents are the texts of what the table shows, with the day and the hour of the cell.
const shownEvents = `[...document.querySelectorAll(".event")].map(e => {
	const cell = e.closest("td"), row = cell.parentElement;
	return cell.closest("table").rows[0].cells[cell.cellIndex].textContent + " " + row.cells[0].textContent + " "
		+ e.querySelector(".name").textContent + " " + e.querySelector(".time").textContent;
})`

func (b *tab) events() []string {
	b.t.Helper()
	return eval[[]string](b, shownEvents)
}

// fill sets the fields of the form, and says so as the browser does.
func (b *tab) fill(name, start, end string) {
	b.t.Helper()
	for id, value := range map[string]string{"name": name, "start": start, "end": end} {
		eval[bool](b, fmt.Sprintf("document.getElementById(%q).value = %q, true", id, value))
	}
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// enter enters an event and waits until it is confirmed.
func (b *tab) enter(name, start, end string) {
	b.t.Helper()
	b.fill(name, start, end)
	b.click("#save")
	b.awaitText("status", "Saved “"+name+"”.")
}

// picture saves what the tab shows, for a person to look at, if TIMETABLE_PICTURES names
// a folder.
func (b *tab) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("TIMETABLE_PICTURES")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, ipctest.Patience)
	defer cancel()
	eval[bool](b, "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))")
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}
