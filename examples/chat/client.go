package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway/pipe"
)

const commandLeave = "/leave"

// join enters the room and stays until the input ends, the member leaves, ctx ends or the
// server takes leave. Only what the member didn't want is an error.
func join(ctx context.Context, room, name string, wait time.Duration, in io.Reader, out io.Writer) error {
	if err := checkName(name); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := pipe.DialWait(waiting, room, nil) // the server may start later
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return fmt.Errorf("no server serves the room %s: start `chat serve %[1]s` (%w)", room, err)
	} else if err != nil {
		return err
	}
	c := &client{lines: newLines(conn, maxToClient), ctx: ctx, out: out}
	defer c.Close()
	defer context.AfterFunc(ctx, func() {
		c.SetReadDeadline(time.Now().Add(closeGrace))
		c.SetWriteDeadline(time.Now().Add(closeGrace))
	})()
	if err := c.enter(name, wait); err != nil {
		return err
	}
	return c.talk(in)
}

type client struct {
	*lines
	ctx     context.Context // ends with Ctrl-C; then the server has closeGrace for its last lines
	timeout time.Duration   // the server's
	out     io.Writer
}

// atMost returns for how long to wait. After Ctrl-C that is not long.
func (c *client) atMost(timeout time.Duration) time.Duration {
	if c.ctx.Err() != nil {
		return min(timeout, closeGrace)
	}
	return timeout
}

// next waits for the server's next line.
func (c *client) next(timeout time.Duration) (word, rest string, err error) {
	c.SetReadDeadline(time.Now().Add(timeout))
	if c.ctx.Err() != nil { // asked after the deadline is set, or that could undo Ctrl-C's
		c.SetReadDeadline(time.Now().Add(c.atMost(timeout)))
	}
	return c.receive()
}

// enter says the client's name and waits to be let in.
func (c *client) enter(name string, wait time.Duration) error {
	if err := c.send(wait, lineJoin+" "+name); err != nil {
		return err
	}
	word, rest, err := c.next(wait)
	switch {
	case err != nil && c.ctx.Err() != nil:
		return errors.New("interrupted before the server answered")
	case err != nil:
		return fmt.Errorf("the server did not answer: %w", err)
	case word == lineRefused:
		return errors.New(printable(rest))
	}
	words := strings.Fields(printable(rest))
	if word != lineWelcome || len(words) == 0 {
		return fmt.Errorf("the server is not that of a chat: it answered %.20q", word)
	}
	ms, err := strconv.ParseUint(words[0], 10, 31)
	if err != nil || ms < 1 {
		return fmt.Errorf("the server named no time-out: %.20q", words[0])
	}
	c.timeout = time.Duration(ms) * time.Millisecond
	if others := words[1:]; len(others) > 0 {
		c.print("* you are %s; here are %s", name, strings.Join(others, ", "))
	} else {
		c.print("* you are %s; there is no other member yet", name)
	}
	return nil
}

// talk says what is typed and prints what the others say.
func (c *client) talk(in io.Reader) error {
	typed, heard := make(chan string), make(chan heardLine)
	stop := make(chan struct{})
	defer close(stop)
	go readTyped(in, typed, stop)
	go c.hear(heard, stop)
	alive := time.NewTicker(max(c.timeout/3, time.Millisecond))
	defer alive.Stop()
	leaving := c.ctx.Done()
	for {
		line := ""
		select {
		case <-leaving:
			line, leaving, typed = lineLeave, nil, nil
		case text, more := <-typed:
			switch {
			case !more, text == commandLeave:
				line, leaving, typed = lineLeave, nil, nil
			case len(text) > maxToServer-len(lineSay+" \n"):
				c.print("* not sent: a line has at most %d bytes", maxToServer-len(lineSay+" \n"))
			case text != "":
				line = lineSay + " " + text
			}
		case <-alive.C:
			line = lineAlive
		case h := <-heard:
			if end, err := c.show(h); end {
				return err
			}
		}
		if line == "" {
			continue
		}
		err := c.send(c.atMost(c.timeout), line)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded): // a part of the line may be sent
			return fmt.Errorf("the server takes nothing (%w)", err)
		case errors.Is(err, io.ErrClosedPipe): // what it said before it closed is still to be heard
		case err != nil:
			c.print("* not sent: %v", err)
		}
	}
}

// readTyped passes on the lines of the input, and closes typed after the last.
func readTyped(in io.Reader, typed chan<- string, stop <-chan struct{}) {
	defer close(typed)
	for lines := bufio.NewReaderSize(in, 2*maxToServer); ; {
		line, complete, err := readLine(lines)
		if complete {
			line = strings.TrimSpace(line) // otherwise it stays too long
		}
		select {
		case typed <- line:
		case <-stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// heardLine is a line of the server's, or why there are no more.
type heardLine struct {
	word, rest string
	err        error
}

func (c *client) hear(heard chan<- heardLine, stop <-chan struct{}) {
	for {
		// The server answers what says that this client is alive.
		word, rest, err := c.next(2 * c.timeout)
		select {
		case heard <- heardLine{word, printable(rest), err}:
		case <-stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// show prints what was heard, and reports whether it was the last.
func (c *client) show(h heardLine) (end bool, err error) {
	name, text, _ := strings.Cut(h.rest, " ")
	switch {
	case errors.Is(h.err, os.ErrDeadlineExceeded) && c.ctx.Err() != nil:
		return true, fmt.Errorf("the server has not taken leave within %v", closeGrace)
	case errors.Is(h.err, os.ErrDeadlineExceeded):
		return true, fmt.Errorf("the server has said nothing for %v", 2*c.timeout)
	case h.err != nil:
		return true, fmt.Errorf("the server was lost (%w)", h.err)
	case h.word == lineSaid:
		c.print("<%s> %s", name, text)
	case h.word == lineJoined:
		c.print("* %s has joined", name)
	case h.word == lineLeft:
		c.print("* %s %v", name, reason(text))
	case h.word == lineBye:
		return true, c.bye(reason(h.rest))
	}
	return false, nil
}

// bye is the end in good order, but not always the one that the member wanted.
func (c *client) bye(why reason) error {
	switch why {
	case reasonLeft:
		c.print("* you have left")
	case reasonClosing:
		c.print("* the server closes the chat")
	default:
		return fmt.Errorf("the server put you out, as one that %w", why)
	}
	return nil
}

func (c *client) print(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }
