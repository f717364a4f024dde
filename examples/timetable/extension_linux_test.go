package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

const extension = "chrome-extension://gaghhngahbcfenpioodmegoabbeelalb/"

// TestExtension installs the extension and its host as README.md says, and uses both
// beside the page.
func TestExtension(t *testing.T) {
	home, file := t.TempDir(), filepath.Join(t.TempDir(), "timetable.db")
	folder, err := filepath.Abs("extension")
	if err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(home, "profile", "NativeMessagingHosts")
	if err := os.MkdirAll(hosts, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TIMETABLE_FILE", file)
	b := browseAt(t, home, chromedp.Flag("disable-extensions", false), chromedp.Flag("load-extension", folder))
	host := filepath.Join(home, "timetable-host")
	if out, err := exec.Command("go", "build", "-o", host, "./timetable-host").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	manifest, err := exec.Command(host, "manifest").Output()
	if err == nil {
		err = os.WriteFile(filepath.Join(hosts, "io.github.breezeway_ipc.timetable.json"), manifest, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}

	b.do(chromedp.EmulateViewport(340, 640), chromedp.Navigate(extension+"popup.html"))
	p := &page{tab: b}
	pid := p.storePID()
	b.await(`document.getElementById("events").textContent === "Nothing is entered for them."`)
	b.click("#save")
	b.awaitText("name-error", "Give the event a name.")
	b.do(chromedp.KeyEvent("Dentist"))
	day := eval[string](b, "document.getElementById('start').value")[:len("2026-11-23")]
	kill(t, pid)
	b.click("#save")
	b.awaitText("status", "Saved “Dentist”.")
	b.await(`document.querySelectorAll("#events li").length === 1 && document.getElementById("events").textContent.includes("Dentist")`)
	// What the host can't read has no number, and ends the wait all the same.
	eval[bool](b, "document.getElementById('name').value = 'x'.repeat(70000), true")
	b.click("#save")
	b.awaitText("status", "a message to the host may have 65536 bytes")
	eval[bool](b, "document.getElementById('name').value = '', true")
	b.picture("extension")

	// The page's server finds the host's store at work, and shows the event.
	site := serve(t, file)
	b.do(chromedp.EmulateViewport(1280, 900))
	b.open(site.url, day)
	b.await(`document.querySelector(".event")?.textContent.includes("Dentist")`)
}
