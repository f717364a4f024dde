package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
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
URL all kinds, with URLs those whose URL begins so, such as sem:// or shm://fr. FIFOs and
durable queues are listed by directory: fifo:///tmp, mq:///var/tmp. Servers at paths
(pipe:///PATH, shmnet:///PATH) are not listed.

ls connects to nothing, and disturbs no server and no holder. A ? is what can't be told,
a - what the object doesn't have, and 2+ is at least 2. The columns:
  mode       permission bits; on Windows the access control list, as SDDL
  state      the name of a server is served or stale: the server died; of memory it is
             the size. What is orphaned no process has open
  open       how many have it open, or are connected to the server
  waiters    how many wait
  processes  those that serve or hold it, or have memory or a FIFO open

Locks and the like of another user can be looked into only with --trust.

With --json each line is an object as ` + "`ipc stat --json`" + ` prints it, with the event object;
error says why an object can't be looked into.`,
		Example: `  ipc ls
  ipc ls sem:// mutex://
  ipc ls fifo:///tmp mq:///var/tmp
  ipc ls --json | jq -r 'select(.stale) | .url'`,
		RunE: func(_ *cobra.Command, args []string) error { return l.run(args) },
		ValidArgsFunction: func(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
			return completeName(listable(), toComplete)
		},
	}
	l.registerTrust(cmd)
	cmd.Flags().BoolVar(&l.json, "json", false, "print JSON, one object per line")
	return cmd
}

// lister is one run of ls.
type lister struct {
	accessFlags
	json bool
	out  screen
	lost error // why a line could not be printed
	rows [][]string
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
	l.rows = [][]string{append([]string{"url"}, rowColumns...)}
	var failures []error
	for _, url := range urls {
		err := l.list(url)
		var wrong *exit
		if errors.As(err, &wrong) || l.lost != nil {
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

// listable returns the mechanisms whose objects can be listed.
func listable() []*mechanism {
	return slices.DeleteFunc(slices.Clone(mechanisms), func(m *mechanism) bool { return m.list == nil })
}

// list lists the objects whose URL begins so.
func (l *lister) list(start string) error {
	scheme, name, _ := strings.Cut(start, "://")
	m := mechanismOf(scheme)
	if m == nil {
		return usagef("no scheme %q in %q; these can be listed:\n%s", scheme, start, strings.TrimRight(schemeHelp(listable()), "\n"))
	}
	if m.list == nil {
		return usagef("%s has no names that can be listed; its path names a file", withArticle(m.noun))
	}
	r, err := l.rule()
	if err != nil {
		return err
	}
	found, byDirectory, err := m.under(name)
	if err != nil {
		return err
	}
	for _, o := range found {
		if t := (target{mechanism: m, name: o.name}); byDirectory || strings.HasPrefix(t.String(), start) {
			if err := l.show(t, o.state, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// show prints an object, or adds it to the table.
func (l *lister) show(t target, s *state, r accessRule) error {
	var failure error
	if s == nil {
		s, failure = t.stat(t, r)
	}
	if errors.Is(failure, fs.ErrNotExist) {
		return nil // it is gone by now
	}
	if s == nil {
		s = new(state)
	}
	if l.json {
		line := statLine{"object", time.Now(), t.String(), *s, ""}
		if failure != nil {
			line.Error = failure.Error()
		}
		_, l.lost = io.WriteString(l.out, jsonLine(line))
		return l.lost
	}
	if failure != nil { // owner and mode may be known all the same
		s.State = "? " + reasonOf(failure)
	}
	l.rows = append(l.rows, append([]string{printable(t.String(), "")}, s.row()...))
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
