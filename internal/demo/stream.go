package demo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/bench"
)

// talk is the client's part over any stream: a line, its answer, round trips.
func (p *process) talk(c io.ReadWriter) error {
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
func (p *process) answer(c io.ReadWriter, from string) error {
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
