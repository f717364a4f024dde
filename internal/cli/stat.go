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
		Long: `stat shows the state of a semaphore, a lock, an event, a barrier or a condition, as it
was a moment ago, how large memory is, its owner and its mode, and which processes serve
a named pipe. It connects to nothing. What can't be told is -.

With --json it prints one object with these fields:
  event       stat; time: RFC 3339
  url         as given

of a semaphore, a lock and the like, where -1 can't be told:
  value       permits that are left; 1 for a set event, a free lock and a barrier that
              is not broken, otherwise 0
  max         how many permits there can be; how many parties a barrier has
  holders     how many permits of a semaphore are held, if there is a list of them, as
              of ` + "`ipc acquire URL -- COMMAND`" + `; how many hold a lock
  pids        the processes that hold it, left out if none is known
  waiters     how many wait
  recoveries  how often something was taken back from a process that died
  recovered   true if a holder of a lock died and none has marked as consistent since
              what the lock protects; otherwise left out
  owner, mode as of memory; left out for the kernel's objects of Windows

of a named pipe, where what can't be told is left out:
  address      the path of its socket; on Windows its full name
  owner, mode  as of memory
  stale        true if the processes that served it died; false also if that can't be
               told, as of a socket that refuses this user
  pids         the processes that serve it
  waiting      how many clients wait to be accepted
  connections  how many clients are connected

of a FIFO owner and mode, as of memory, and
  pids         the processes that have it open, left out if none is known

and of memory:
  size        in bytes, with what describes it
  owner       uid, or on Windows SID; left out if it can't be learned
  mode        permission bits, in octal
  modified    RFC 3339; when it was created, since what is stored in memory isn't told`,
		Example: `  ipc stat sem://jobs
  ipc stat pipe://chat
  ipc stat mutex://deploy --json | jq .pids`,
		Args:              takes(1, 1, "one URL, such as sem://jobs"),
		ValidArgsFunction: completeURL("stat"),
		RunE:              func(_ *cobra.Command, args []string) error { return s.run(args[0]) },
	}
	cmd.Flags().SortFlags = false
	s.registerTrust(cmd)
	cmd.Flags().BoolVar(&s.json, "json", false, "print JSON")
	return cmd
}

// statter is one run of stat.
type statter struct {
	accessFlags
	json bool
	out  screen
}

// statHeader is what a line of stat's JSON begins with.
type statHeader struct {
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
	URL   string    `json:"url"`
}

func (s *statter) run(url string) error {
	t, err := parseURLFor("stat", url)
	if err != nil {
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
		text = jsonLine(state.json(statHeader{"stat", time.Now(), t.String()}))
	}
	_, err = io.WriteString(s.out, text)
	return err
}
