package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const help = `tasks        the processes: role, state, frames, processor time, memory
show         the tabs, once
open PAGE    a new tab
close N      close tab N
reload N     load tab N again, with a fresh process
crash N      crash tab N
hang N       make tab N hang
greedy N     make tab N take memory without end
png FILE     write what is shown to FILE
quit         end
`

const maxLine = 4096 // bytes of a command

// readTyped passes on lines, and closes typed after the last.
func readTyped(in io.Reader, typed chan<- string, stop <-chan struct{}) {
	defer close(typed)
	for lines := bufio.NewReaderSize(in, maxLine); ; {
		text, err := lines.ReadSlice('\n')
		line := string(text)
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is no command
			_, err = lines.ReadSlice('\n')
		}
		if line == "" {
			return
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

// do does a command, and reports whether there may be more. The last line of what it
// prints is "ok", or says what went wrong.
func (b *browser) do(line string) (more bool) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if verb == "quit" {
		return false
	}
	if err := b.command(verb, strings.TrimSpace(rest)); err != nil {
		fmt.Fprintln(b.out, "error:", printable(err.Error()))
	} else {
		fmt.Fprintln(b.out, "ok")
	}
	return true
}

func (b *browser) command(verb, rest string) error {
	switch verb {
	case "":
	case "help":
		fmt.Fprint(b.out, help)
	case "tasks":
		return b.printTasks()
	case "show":
		fmt.Fprint(b.out, b.view())
	case "open":
		b.open(rest)
	case "png":
		return b.save(rest)
	case "close", "reload", "crash", "hang", "greedy":
		number, err := strconv.Atoi(rest)
		if err != nil {
			return fmt.Errorf("%s takes the number of a tab, not %q", verb, rest)
		}
		t, err := b.tab(number)
		if err != nil {
			return err
		}
		b.tell(t, verb)
	default:
		return fmt.Errorf("there is no command %q; help lists them", verb)
	}
	return nil
}

// tell does what concerns one tab.
func (b *browser) tell(t *tab, verb string) {
	switch verb {
	case "close":
		b.closeTab(t)
	case "reload":
		t.again()
	case "crash":
		t.cause(crash)
	case "hang":
		t.cause(hang)
	case "greedy":
		t.cause(greedy)
	}
}
