package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"
)

// What a line of the protocol begins with.
const (
	// to the server
	lineJoin  = "join"  // NAME, first of all
	lineSay   = "say"   // TEXT
	lineAlive = "alive" // at least every time-out; the server answers with the same
	lineLeave = "leave"

	// to a client
	lineWelcome = "welcome" // TIMEOUT in milliseconds, then the names of the others
	lineRefused = "refused" // why, in words
	lineJoined  = "joined"  // NAME
	lineSaid    = "said"    // NAME TEXT
	lineLeft    = "left"    // NAME REASON
	lineBye     = "bye"     // REASON: the last line that the server sends
)

// How many bytes a line to the server may have, its end included, and one to a client,
// which has names in it too: those of a full room at most.
const (
	maxToServer = 4096
	maxToClient = 16384
	maxMembers  = 100
	maxName     = 20 // letters of up to 4 bytes
)

var errLongLine = errors.New("the line is too long")

// lines is a connection that carries lines.
type lines struct {
	net.Conn
	in *bufio.Reader
}

func newLines(conn net.Conn, maxLine int) *lines {
	return &lines{conn, bufio.NewReaderSize(conn, maxLine)}
}

// receive waits for the next line and cuts it at its first space. What comes after the
// last line's end, from a process that was killed in the middle, is not a line.
func (l *lines) receive() (word, rest string, err error) {
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", "", errLongLine
	} else if err != nil {
		return "", "", err
	}
	word, rest, _ = strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	return word, rest, nil
}

// send sends a line, by one Write, and waits at most timeout.
func (l *lines) send(timeout time.Duration, line string) error {
	l.SetWriteDeadline(time.Now().Add(timeout))
	_, err := l.Write([]byte(line + "\n"))
	return err
}

// readLine reads the next line, of which it keeps as much as the buffer of in holds: so an
// endless one needs no memory.
func readLine(in *bufio.Reader) (line string, complete bool, err error) {
	text, err := in.ReadSlice('\n')
	line, complete = string(text), true
	for errors.Is(err, bufio.ErrBufferFull) {
		complete = false
		_, err = in.ReadSlice('\n')
	}
	return line, complete, err
}

// printable returns a text that does nothing to a terminal but appear on it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, text)
}

// checkName allows what can't be taken for two words.
func checkName(name string) error {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' {
			return fmt.Errorf("a name has letters, digits, - and _, and %q is none of them", r)
		}
	}
	if n := len([]rune(name)); n == 0 || n > maxName {
		return fmt.Errorf("a name has 1 to %d letters, and this one has %d", maxName, n)
	}
	return nil
}
