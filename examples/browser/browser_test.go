package main

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// The roles of the processes that most tests have.
const (
	waves1 = "tab 1, waves"
	flag2  = "tab 2, flag"
	balls3 = "tab 3, balls"
)

// wantFlag looks whether the nth tab from the left shows the page flag.
func wantFlag(t *testing.T, p *program, n int) {
	t.Helper()
	picture := p.picture()
	wantPixel(t, picture, n, 5, 3, color.RGBA{0xae, 0x1c, 0x28, 0xff})
	wantPixel(t, picture, n, 5, 12, color.RGBA{0xff, 0xff, 0xff, 0xff})
	wantPixel(t, picture, n, 31, 23, color.RGBA{0x21, 0x46, 0x8b, 0xff})
}

// A tab crashes, one hangs, one is killed: the others go on, and they come back when
// they are loaded again.
func TestTabsDie(t *testing.T) {
	t.Parallel()
	p := start(t, "--patience", patience(), "waves", "flag", "balls")
	p.awaitFrames(waves1, 3)
	p.awaitFrames(flag2, 3)
	p.awaitFrames(balls3, 3)
	wantFlag(t, p, 2)

	p.do("crash 1")
	p.await(waves1, func(r row) bool { return strings.HasPrefix(r.state, "Aw: crashed") && r.pid == 0 })
	p.awaitFrames(flag2, 3)
	p.awaitFrames(balls3, 3)
	wantAw(t, p.picture(), 1)
	wantFlag(t, p, 2)

	p.do("hang 3")
	p.await(balls3, func(r row) bool { return r.state == "Aw: hangs" && r.pid == 0 })
	p.awaitFrames(flag2, 3)
	wantAw(t, p.picture(), 3)
	wantFlag(t, p, 2)

	switch {
	case ipctest.UnderWine():
		t.Log("without a tab that takes memory: Wine does not bound what a process takes")
	case tabMemory == 0:
		t.Log("without a tab that takes memory: the race detector takes more than is allowed")
	default:
		p.do("greedy 2")
		p.await(flag2, func(r row) bool { return strings.HasPrefix(r.state, "Aw: crashed") })
		wantAw(t, p.picture(), 2)
		p.do("reload 2")
		p.awaitFrames(flag2, 3)
	}

	kill(t, p.task(flag2).pid)
	p.await(flag2, func(r row) bool { return strings.HasPrefix(r.state, "Aw: crashed") })
	wantAw(t, p.picture(), 2)

	p.do("reload 1", "reload 2", "reload 3")
	p.awaitFrames(waves1, 3)
	p.awaitFrames(flag2, 3)
	p.awaitFrames(balls3, 3)
	wantFlag(t, p, 2)
	quit(t, p)
}

func TestTaskManager(t *testing.T) {
	p := start(t, "waves", "flag", "balls")
	p.awaitFrames(balls3, 3)
	p.awaitFrames(flag2, 3)
	p.awaitFrames(waves1, 3)
	pids := map[int]bool{}
	var roles []string
	for _, r := range p.tasks() {
		roles = append(roles, r.role)
		pids[r.pid] = true
		parent := p.Process.Cmd.Process.Pid
		if r.role == "browser" {
			parent = os.Getpid()
		}
		if r.parent != parent || r.pid == 0 {
			t.Errorf("%s is process %d of %d, want %d", r.role, r.pid, r.parent, parent)
		}
		if r.memory < 0.1 || r.memory > 1000 || r.cpu < 0 {
			t.Errorf("%s has %v MiB and used %v", r.role, r.memory, r.cpu)
		}
	}
	if got, want := strings.Join(roles, "; "), "browser; disk; "+waves1+"; "+flag2+"; "+balls3; got != want || len(pids) != 5 {
		t.Errorf("%s in %d processes, want %s", got, len(pids), want)
	}
	quit(t, p)
}

func TestOpenCloseReload(t *testing.T) {
	p := start(t, "waves")
	p.awaitFrames(waves1, 1)
	p.do("open flag", "close 1")
	before := p.awaitFrames(flag2, 1).pid
	wantFlag(t, p, 1)
	p.do("reload 2")
	p.await(flag2, func(r row) bool { return r.state == "draws" && r.pid != 0 && r.pid != before })
	if rows := p.tasks(); len(rows) != 3 {
		t.Errorf("%d processes, want 3", len(rows))
	}
	for command, want := range map[string]string{
		"crash 1": "there is no tab 1", "close x": "takes the number of a tab", "dance": "there is no command",
	} {
		if _, result := p.ask(command); !strings.Contains(result, want) {
			t.Errorf("%s: %s, want %s", command, result, want)
		}
	}
	p.do("", "help", "close 2")
	p.picture()
	quit(t, p)
}

// Pages come from the disk's process, and from nowhere else; what is wrong with one is
// its tab's concern.
func TestPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pages")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"pages/mine.page":  "title Mine\x1b[2J\nbackground 010203\n",
		"pages/bad.page":   "title Bad\nrect 1 2 3\n",
		"pages/large.page": strings.Repeat("# nothing\n", maxPage/10+1),
		"outside.page":     "title Outside\n",
	} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(dir), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, "--dir", dir, "mine", "bad", "large", "nosuch", "../outside")
	p.awaitFrames("tab 1, mine", 1)
	for role, want := range map[string]string{
		"tab 2, bad":        "line 2: number 4 is missing",
		"tab 3, large":      fmt.Sprint("may have ", maxPage),
		"tab 4, nosuch":     "nosuch.page",
		"tab 5, ../outside": "",
	} {
		p.await(role, func(r row) bool { return strings.HasPrefix(r.state, "Aw: ") && strings.Contains(r.state, want) })
	}
	wantPixel(t, p.picture(), 1, 3, 3, color.RGBA{1, 2, 3, 255})
	lines, _ := p.ask("show")
	if len(lines) != viewLines || !strings.HasPrefix(lines[0], "1: Mine\ufffd[2J ") || !strings.Contains(lines[0], "2: Aw, bad") {
		t.Errorf("%d lines, the first is %q", len(lines), lines[0])
	}
	if !strings.HasPrefix(lines[1], "\x1b[38;2;1;2;3m\x1b[48;2;1;2;3m▀") {
		t.Errorf("the first row begins with %.40q", lines[1])
	}
	quit(t, p)
}

// The program ends by itself after some frames, and leaves a picture.
func TestFrames(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "end.png")
	p := start(t, "--frames", "30", "--patience", patience(), "--png", path, "flag", "crash", "hang")
	p.CloseInput()
	if err := p.Wait(); err != nil {
		t.Fatalf("%v: %s", err, p.Stderr())
	}
	picture := readPNG(t, path)
	wantPixel(t, picture, 1, 5, 3, color.RGBA{0xae, 0x1c, 0x28, 0xff})
	wantAw(t, picture, 2)
	wantAw(t, picture, 3)
}

// No process outlives a browser that is killed, ipctest.Main looks for it; and the
// pictures' memory has no name that could stay.
func TestBrowserKilled(t *testing.T) {
	p := start(t, "waves", "balls")
	p.awaitFrames("tab 2, balls", 3)
	p.awaitFrames(waves1, 3)
	p.Kill()
}

// A process that writes anything into its picture has it shown as colours, and no more.
func TestGarbageInAPicture(t *testing.T) {
	tab := &tab{browser: &browser{change: make(chan struct{}, 1)}, shown: newPicture()}
	garbage := newPicture()
	for i := range garbage.Pix {
		garbage.Pix[i] = byte(i * 7)
	}
	tab.show("any", garbage)
	if !tab.shown.Opaque() {
		t.Error("the picture lets something shine through")
	}
	if _, err := encodePNG(tab.shown); err != nil {
		t.Error(err)
	}
}

// A page that isn't there is an error for a script, which sees no screen.
func TestFramesOfAPageThatIsNotThere(t *testing.T) {
	p := start(t, "--frames", "2", "flag", "nosuch\x1b[2J")
	if p.Wait(); p.ProcessState.ExitCode() != exitError || !strings.Contains(p.Stderr(), "tab 2: ") || strings.Contains(p.Stderr(), "\x1b") {
		t.Errorf("exit code %d, %q", p.ProcessState.ExitCode(), p.Stderr())
	}
}

// What is named by a page or a person does nothing to the terminal.
func TestEscapesAreShown(t *testing.T) {
	p := start(t, "\x1b[2Jx\a")
	p.await("tab 1, \ufffd[2Jx\ufffd", func(r row) bool {
		return strings.HasPrefix(r.state, "Aw: ") && !strings.Contains(r.state, "\x1b")
	})
	if _, result := p.ask(strings.Repeat("x", 100_000)); !strings.Contains(result, "there is no command") {
		t.Error(result)
	}
	quit(t, p)
}

func TestShadesHaveNoColours(t *testing.T) {
	lines := strings.Split(view([]string{"1: Aw"}, awPicture(), shades), "\n")
	if len(lines) != viewLines+1 || lines[1] != strings.Repeat("#", tabWidth)+"\x1b[K" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

func TestHelp(t *testing.T) {
	p := start(t, "--help")
	if line := p.Hear(); !strings.HasPrefix(line, "usage: browser") {
		t.Error(line)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"--every", "0s"}, {"--frames", "-1"}, {"--what"}} {
		p := start(t, args...)
		if p.Wait(); p.ProcessState.ExitCode() != exitUsage || !strings.Contains(p.Stderr(), "usage: ") {
			t.Errorf("%q: exit code %d, %s", args, p.ProcessState.ExitCode(), p.Stderr())
		}
	}
}

// kill ends a process of the program's.
func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

func quit(t *testing.T, p *program) {
	t.Helper()
	p.Say("quit")
	if err := p.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.Stderr())
	}
}
