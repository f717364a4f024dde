package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The methods from here on are called with s.mu held.

func (s *server) printUnit(u unit, from sender) {
	switch {
	case s.json:
		e := s.event("message", from)
		e.setText(u.text)
		e.Split = u.split
		s.print(e.String())
	case s.raw && s.lines && !u.split:
		s.print(u.text + "\n")
	case s.raw:
		s.print(u.text)
	default:
		for _, line := range linesOf(u.text) {
			line = printable(line, "\t")
			if u.split {
				line += " … (the line goes on)"
			}
			s.printLine(from, line)
		}
	}
}

func (s *server) printLine(from sender, text string) {
	s.print(s.out.paint(dim, time.Now().Format("15:04:05.000")) + " " +
		s.out.paint(cyan, s.nameOf(from)) + " " + text + "\n")
}

func (s *server) event(kind string, from sender) event {
	e := event{Event: kind, Time: time.Now(), Connection: from.connection}
	if from.connection > 0 {
		e.Peer = infoOf(from.peer)
	}
	return e
}

// nameOf names the sender of an arrival in few characters, as system logs do.
func (s *server) nameOf(from sender) string {
	if from.connection == 0 {
		return s.target.scheme
	}
	if from.peer.UID < 0 && from.peer.SID == "" { // TCP tells no process
		return from.address
	}
	program := "pid"
	if from.peer.Executable != "" {
		program = printable(filepath.Base(from.peer.Executable), "")
	}
	return fmt.Sprintf("%s[%d]", program, from.peer.PID)
}

// print writes to standard output. If that fails, as when it has no reader any more,
// serving ends.
func (s *server) print(text string) {
	if _, err := io.WriteString(s.out, text); err != nil {
		s.setFailure(err)
	}
}

func (s *server) setFailure(err error) {
	if s.failure == nil {
		s.failure = err
	}
	s.stop()
}

// The methods from here on take s.mu.

func (s *server) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setFailure(err)
}

// announce says that clients may come.
func (s *server) announce(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.json {
		s.print(event{Event: "listening", Time: time.Now(), URL: s.target.String(), Address: address}.String())
	} else if listenerIsNews(s.err, s.target.name) {
		announce(s.err, address)
	}
}

// listenerIsNews reports whether to say where a server listens: to a person, and to a
// script if the system has chosen the port.
func listenerIsNews(to screen, url string) bool {
	place, _, _ := strings.Cut(url, "?")
	return to.tty || strings.HasSuffix(place, ":0")
}

func announce(to screen, address string) {
	text := "listening at " + address
	if to.tty {
		text += ", Ctrl-C stops"
	}
	fmt.Fprintln(to, to.paint(dim, text))
}

// exited reports how the command of a connection ended.
func (s *server) exited(from sender, state *os.ProcessState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.json {
		s.printLine(from, state.String())
		return
	}
	code := state.ExitCode()
	e := s.event("exit", from)
	e.Exit = &code
	s.print(e.String())
}

// complain reports what went wrong with one connection.
func (s *server) complain(from sender, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.json {
		fmt.Fprintf(s.err, "ipc: %s: %s\n", s.nameOf(from), printableError(err))
		return
	}
	e := s.event("error", from)
	e.Error = err.Error()
	s.print(e.String())
}

// sendAway warns of a client whose time is up.
func (s *server) sendAway(v *visitor) {
	s.complain(v.sender, fmt.Errorf("it was still connected %v after %q; what it sends from now on is lost", s.grace, s.until))
}
