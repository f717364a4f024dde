package main

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// program is a browser that a test started.
type program struct {
	*ipctest.Process
	t *testing.T
}

// start starts the program. It draws as fast as a test likes it, and where args have no
// other patience no tab hangs because the machine is busy.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, append([]string{"--every", "2ms", "--patience", "1m"}, args...)...)
	cmd.Env = append(os.Environ(), programEnv+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	return &program{ipctest.StartCommand(t, cmd), t}
}

// patience is what no tab takes for a frame, however busy the machine, unless it hangs.
func patience() string {
	if ipctest.Slow() {
		return "5s"
	}
	return "3s"
}

// ask gives a command and returns what it prints before the last line, which is result.
func (p *program) ask(command string) (lines []string, result string) {
	p.t.Helper()
	p.Say(command)
	for {
		line := p.Hear()
		if line == "ok" || strings.HasPrefix(line, "error: ") {
			return lines, line
		}
		lines = append(lines, line)
	}
}

func (p *program) do(commands ...string) {
	p.t.Helper()
	for _, command := range commands {
		if _, result := p.ask(command); result != "ok" {
			p.t.Fatalf("%s: %s", command, result)
		}
	}
}

// row is a line of the task manager.
type row struct {
	pid, parent int // 0: no process
	role, state string
	frames      int // -1: it draws none
	cpu         time.Duration
	memory      float64 // MiB
}

// tasks reads the task manager.
func (p *program) tasks() (rows []row) {
	p.t.Helper()
	lines, result := p.ask("tasks")
	if result != "ok" || len(lines) < 2 {
		p.t.Fatalf("tasks: %q, %s", lines, result)
	}
	starts := columns(lines[0])
	for _, text := range lines[1:] {
		line := []rune(text)
		cells := make([]string, len(starts))
		for i, at := range starts {
			end := len(line)
			if i+1 < len(starts) {
				end = starts[i+1]
			}
			cells[i] = strings.TrimSpace(string(line[at:end]))
		}
		rows = append(rows, p.row(cells))
	}
	return rows
}

// columns returns where the words of a heading begin.
func columns(heading string) (starts []int) {
	for i := range heading {
		if heading[i] != ' ' && (i == 0 || heading[i-1] == ' ') {
			starts = append(starts, i)
		}
	}
	return starts
}

func (p *program) row(cells []string) (r row) {
	p.t.Helper()
	number := func(cell string, none int) int {
		if cell == "-" {
			return none
		}
		n, err := strconv.Atoi(cell)
		if err != nil {
			p.t.Fatalf("%q: %v", cells, err)
		}
		return n
	}
	r = row{pid: number(cells[0], 0), parent: number(cells[1], 0), role: cells[2], state: cells[3], frames: number(cells[4], -1)}
	var err error
	if r.cpu, err = time.ParseDuration(cells[5]); err != nil {
		p.t.Fatalf("%q: %v", cells, err)
	}
	if r.memory, err = strconv.ParseFloat(strings.TrimSuffix(cells[6], " MiB"), 64); err != nil {
		p.t.Fatalf("%q: %v", cells, err)
	}
	return r
}

// task returns the line of a role.
func (p *program) task(role string) row {
	p.t.Helper()
	for _, r := range p.tasks() {
		if r.role == role {
			return r
		}
	}
	p.t.Fatalf("the task manager has no %q", role)
	return row{}
}

// await asks until the line of a role is as wanted.
func (p *program) await(role string, wanted func(row) bool) row {
	p.t.Helper()
	var r row
	for deadline := time.Now().Add(ipctest.Patience); time.Now().Before(deadline); {
		if r = p.task(role); wanted(r) {
			return r
		}
	}
	p.t.Fatalf("for %v the task manager says %+v", ipctest.Patience, r)
	return r
}

// awaitFrames waits until a tab has drawn n frames more.
func (p *program) awaitFrames(role string, n int) row {
	p.t.Helper()
	before := p.task(role).frames
	return p.await(role, func(r row) bool { return r.state == "draws" && r.frames >= before+n })
}

// picture returns what the program shows now.
func (p *program) picture() image.Image {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "shown.png")
	p.do("png " + path)
	return readPNG(p.t, path)
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// wantPixel looks at a pixel of the nth tab from the left.
func wantPixel(t *testing.T, picture image.Image, n, x, y int, want color.RGBA) {
	t.Helper()
	at := image.Pt(((n-1)*(tabWidth+tabGap)+x)*pngScale, y*pngScale)
	for _, in := range []image.Point{at, at.Add(image.Pt(pngScale-1, pngScale-1))} {
		if got := color.RGBAModel.Convert(picture.At(in.X, in.Y)); got != want {
			t.Errorf("tab %d, pixel %d,%d: %v, want %v", n, x, y, got, want)
		}
	}
}

// wantAw looks whether the nth tab from the left says "Aw".
func wantAw(t *testing.T, picture image.Image, n int) {
	t.Helper()
	left, top := (tabWidth-len(aw[0]))/2, (tabHeight-len(aw))/2
	wantPixel(t, picture, n, 0, 0, awColor)
	wantPixel(t, picture, n, tabWidth-1, tabHeight-1, awColor)
	for y, row := range aw {
		for x, dot := range row {
			want := awColor
			if dot == '#' {
				want = awInk
			}
			wantPixel(t, picture, n, left+x, top+y, want)
		}
	}
}
