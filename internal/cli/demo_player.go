package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/shm"
	"github.com/spf13/cobra"
)

// player is the process that plays one role in a demo.
type player struct {
	demo *demo
	role string
	dir  string // for its files; the run's own
}

const playerVerb = "demo-player"

// newPlayer is the hidden verb that ipc demo starts itself with.
func newDemoPlayer() *cobra.Command {
	return &cobra.Command{
		Use:    playerVerb + " MECHANISM ROLE DIR",
		Hidden: true,
		Args:   takes(3, 3, "a mechanism, a role and a directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			i := slices.IndexFunc(demos, func(d demo) bool { return d.mechanism == args[0] })
			if i < 0 {
				return usagef("no mechanism %q", args[0])
			}
			p := &player{&demos[i], args[1], args[2]}
			return p.play()
		},
	}
}

func (p *player) play() error {
	if p.role == "client" {
		go p.endWithParent()
		return p.demo.client(p)
	}
	if !p.demo.parental {
		go p.endWithParent()
	}
	return p.demo.server(p)
}

// endWithParent ends the process when its standard input does: whoever started
// it was killed.
func (p *player) endWithParent() {
	io.Copy(io.Discard, os.Stdin)
	removeNames(p.name()) // nobody else would
	os.Exit(exitError)
}

// removeNames removes the objects of a run that are still there.
func removeNames(name string) {
	shm.Remove(name)
	removeTurns(name)
}

// command returns the command that is this player as a process. Names that
// derive from the temporary directory then lie in the run's own.
func (p *player) command(ctx context.Context) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, playerVerb, p.demo.mechanism, p.role, p.dir)
	cmd.Env = append(os.Environ(), "TMPDIR="+p.dir)
	return cmd, nil
}

// name returns a name for an object, which only this run uses.
func (p *player) name() string { return filepath.Base(p.dir) }

// say shows what the process does.
func (p *player) say(format string, args ...any) {
	p.tell(demoEvent{Event: "exchange", Text: fmt.Sprintf(format, args...)})
}

// ready says that the client may come.
func (p *player) ready() { p.tell(demoEvent{Event: "ready"}) }

func (p *player) tell(e demoEvent) {
	e.Mechanism, e.Process, e.PID = p.demo.mechanism, p.role, os.Getpid()
	io.WriteString(os.Stdout, jsonLine(e))
}

const (
	roundTrips  = 300
	warmUp      = 20
	payloadSize = 64
)

// measure times round trips. trip makes n of them, and says what they carry.
func (p *player) measure(crossed string, trip func(n int) error) error {
	if err := trip(warmUp); err != nil {
		return err
	}
	var h bench.Histogram
	for range roundTrips {
		start := sys.Clock()
		if err := trip(1); err != nil {
			return err
		}
		h.Record(sys.Clock() - start)
	}
	p.tell(demoEvent{Event: "measured", Crossed: crossed, RoundTrips: h.Count(), P50: h.Percentile(50), P99: h.Percentile(99)})
	return nil
}

// talk is the client's part over any stream: a line, its answer, round trips.
func (p *player) talk(c io.ReadWriter) error {
	text := fmt.Sprintf("hello from process %d", os.Getpid())
	p.say("sends %q", text)
	if _, err := io.WriteString(c, text+"\n"); err != nil {
		return err
	}
	answer, err := readLine(c)
	if err != nil {
		return err
	}
	p.say("receives %q", answer)
	if answer != strings.ToUpper(text) {
		return fmt.Errorf("the answer to %q was %q", text, answer)
	}
	trip, err := bench.RoundTrip(c, payloadSize)
	if err != nil {
		return err
	}
	return p.measure(fmt.Sprintf("a line, then %d x %d B, there and back", roundTrips, payloadSize), trip)
}

// answer is the server's part. It ends when the client closes.
func (p *player) answer(c io.ReadWriter, from string) error {
	text, err := readLine(c)
	if err != nil {
		return err
	}
	p.say("receives %q from %s, answers in capitals", text, from)
	if _, err := io.WriteString(c, strings.ToUpper(text)+"\n"); err != nil {
		return err
	}
	return bench.Serve(c)
}

// readLine reads a line and nothing beyond it.
func readLine(r io.Reader) (string, error) {
	const longest = 200
	var line []byte
	for b := make([]byte, 1); len(line) < longest; line = append(line, b[0]) {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
	}
	return "", errors.New("the line does not end")
}

// notOn returns why there is no such thing on this system, if it is the one.
func notOn(goos, why string) string {
	if runtime.GOOS == goos {
		return why
	}
	return ""
}
