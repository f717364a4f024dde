package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/spf13/cobra"
)

func newList() *cobra.Command {
	l := &lister{out: newScreen(os.Stdout)}
	cmd := &cobra.Command{
		Use:     "ls [URL]...",
		Aliases: []string{"list"},
		Short:   "List the objects that have names, of any program",
		Long: `ls lists the named objects of this machine, of ours and of other programs: with no
URL all kinds, with URLs those whose URL begins so, such as sem:// or shm://fr. FIFOs are
listed by directory: fifo:///tmp. Named pipes at paths (pipe:///PATH) are not listed.

ls connects to nothing, and disturbs no server and no holder. What isn't told is ?: how
many wait for memory, for example. On Windows mutexes, semaphores and events can't be
listed by kind.

With --json each line is an object as ` + "`ipc stat --json`" + ` prints it, with the event object;
error says why an object can't be looked into.`,
		Example: `  ipc ls
  ipc ls sem:// mutex://
  ipc ls fifo:///tmp
  ipc ls --json | jq -r 'select(.stale) | .url'`,
		RunE: func(_ *cobra.Command, args []string) error { return l.run(args) },
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			var starts []string
			for _, m := range mechanisms {
				if m.list != nil {
					starts = append(starts, m.start())
				}
			}
			return starts, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&l.json, "json", false, "print JSON, one object per line")
	return cmd
}

// lister is one run of ls.
type lister struct {
	json bool
	out  screen
	rows [][]string
}

// lacking is an object that can't be looked into.
type lacking struct {
	statHeader
	Error string `json:"error"`
}

func (l *lister) run(urls []string) error {
	all := len(urls) == 0
	if all {
		for _, m := range mechanisms {
			if m.list != nil && !m.byDirectory {
				urls = append(urls, m.start())
			}
		}
	}
	l.rows = [][]string{{"url", "owner", "mode", "state", "waiting", "processes"}}
	var failures []error
	for _, url := range urls {
		err := l.list(url)
		var wrong *exit
		if errors.As(err, &wrong) {
			return err
		}
		if err != nil && !(all && errors.Is(err, errors.ErrUnsupported)) {
			failures = append(failures, err)
		}
	}
	if !l.json && len(l.rows) > 1 {
		if _, err := io.WriteString(l.out, table(l.rows)); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

// list lists the objects whose URL begins so.
func (l *lister) list(start string) error {
	scheme, name, _ := strings.Cut(start, "://")
	m := mechanismOf(scheme)
	if m == nil {
		return usagef("no scheme %q in %q; these exist:\n%s", scheme, start, strings.TrimRight(schemeHelp(), "\n"))
	}
	if m.list == nil {
		return usagef("%s has no names that can be listed; its path names a file", withArticle(m.noun))
	}
	names, err := m.list(name)
	if err != nil {
		return err
	}
	for _, n := range names {
		if t := (target{m, n}); m.byDirectory || strings.HasPrefix(t.String(), start) {
			if err := l.show(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lister) show(t target) error {
	header := statHeader{"object", time.Now(), t.String()}
	s, failure := t.stat(t, accessRule{})
	switch {
	case errors.Is(failure, fs.ErrNotExist):
		return nil // it is gone by now
	case l.json && failure != nil:
		_, err := io.WriteString(l.out, jsonLine(lacking{header, failure.Error()}))
		return err
	case l.json:
		_, err := io.WriteString(l.out, jsonLine(s.json(header)))
		return err
	}
	var sum summary
	if s != nil {
		sum = s.summary()
	}
	if failure != nil { // owner and mode may be known all the same
		sum.state, sum.waiting, sum.pids = "? "+reasonOf(failure), -1, nil
	}
	l.rows = append(l.rows, []string{printable(t.String(), ""), known(sum.owner), known(sum.mode), sum.state, sum.waiters(), sum.processes()})
	return nil
}

// reasonOf returns why an object can't be looked into, in few words.
func reasonOf(err error) string {
	for _, reason := range []error{fs.ErrPermission, breezeway.ErrMismatch, breezeway.ErrRemoved} {
		if errors.Is(err, reason) {
			return "(" + reason.Error() + ")"
		}
	}
	return ""
}

// summary is a row of ls. What is empty, and a number below 0, is not known.
type summary struct {
	owner, mode string
	state       string
	waiting     int
	pids        []int
}

func known(text string) string {
	if text == "" {
		return "?"
	}
	return text
}

func (s summary) waiters() string {
	if s.waiting < 0 {
		return "?"
	}
	return strconv.Itoa(s.waiting)
}

// processes names processes by program and number.
func (s summary) processes() string {
	var words []string
	for _, pid := range s.pids {
		words = append(words, fmt.Sprintf("%s[%d]", programOfProcess(pid), pid))
	}
	return strings.Join(words, " ")
}
