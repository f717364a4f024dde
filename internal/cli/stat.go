package cli

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func newStat() *cobra.Command {
	s := &statter{out: newScreen(os.Stdout)}
	cmd := &cobra.Command{
		Use:   "stat URL",
		Short: "Show the state of an object that has a name",
		Long: `stat shows the state of an object, as it was a moment ago. It connects to nothing and
disturbs no process. A ? is what can't be told, a - what the object doesn't have.

With --json it prints one object with these fields, where they apply and can be told:
  event        stat; time: RFC 3339
  url          as given; address of a server: the path of its socket, or its full name
  owner        uid, or on Windows SID
  mode         permission bits, in octal; on Windows sddl: the access control list
  state        in words: served, stale, free, locked, set …
  size         of memory in bytes, with what describes it
  modified     of memory, RFC 3339: when it was created; what is stored isn't told
  value        permits that are left; 1 for a set event, a free lock and a barrier that
               is not broken, otherwise 0
  max          how many permits there can be; how many parties a barrier has
  holders      how many hold a lock; how many permits of a semaphore are held, if there
               is a list of them, as of ` + "`ipc acquire URL -- COMMAND`" + `
  connections  how many clients a server has
  open         how many have it open: processes of memory and FIFOs; of the others each
               time that it is open, on Windows each handle. Told of memory and FIFOs only
               if all processes may be looked into
  waiters      how many wait, of a server to be accepted
  recoveries   how often something was taken back from a process that died
  recovered    true if a holder of a lock died and none has marked as consistent since
               what the lock protects
  stale        true if the processes that served the name died
  orphaned     true if none has it open; it stays until ` + "`ipc rm`" + ` or the next boot
  queue        counts of a queue: messages (leased and delayed ones included), leased, delayed,
               bytes of capacity_bytes, capacity in messages, max_message in bytes; since it
               exists sent, received, acknowledged, redelivered, expired, dropped,
               dead_lettered, damaged
  processes    those that serve or hold it, or have memory or a FIFO open, as far as they
               are known: pid, command (its name, which it may have chosen)`,
		Example: `  ipc stat sem://jobs
  ipc stat pipe://chat
  ipc stat mutex://deploy --json | jq '.processes[].pid'`,
		Args:              takes(1, 1, "one URL, such as sem://jobs"),
		ValidArgsFunction: completeURL("stat"),
		RunE:              func(_ *cobra.Command, args []string) error { return s.run(args[0]) },
	}
	cmd.Flags().SortFlags = false
	s.registerTrust(cmd)
	s.registerProject(cmd)
	cmd.Flags().BoolVar(&s.json, "json", false, "print JSON")
	return cmd
}

// statter is one run of stat.
type statter struct {
	accessFlags
	json bool
	out  screen
}

// statLine is a line of JSON of stat and ls.
type statLine struct {
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
	URL   string    `json:"url"`
	state
	Error string `json:"error,omitempty"`
}

func (s *statter) run(url string) error {
	t, err := parseURLFor("stat", url)
	if err != nil {
		return err
	}
	if err := s.checkProject(t); err != nil {
		return err
	}
	r, err := s.rule()
	if err != nil {
		return err
	}
	state, err := t.stat(t, r)
	if err != nil {
		return err
	}
	text := state.table()
	if s.json {
		text = jsonLine(statLine{"stat", time.Now(), t.String(), *state, ""})
	}
	_, err = io.WriteString(s.out, text)
	return err
}
