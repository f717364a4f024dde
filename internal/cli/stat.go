package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/spf13/cobra"
)

func newStat() *cobra.Command {
	s := &statter{out: newScreen(os.Stdout)}
	cmd := &cobra.Command{
		Use:   "stat URL",
		Short: "Show who holds a semaphore or lock, and who waits",
		Long: `stat shows the state of a semaphore, a lock or an event, as it was a moment ago. What
can't be told is -.

With --json it prints one object with these fields, of which -1 can't be told:
  event       stat; time: RFC 3339
  url         as given
  value       permits that are left; 1 for a set event and a free lock, otherwise 0
  max         how many permits there can be
  holders     who hold it: permits of a semaphore that are tracked, as by
              ` + "`ipc acquire URL -- COMMAND`" + `, a lock's writer or readers
  pids        their processes, left out if none is known
  waiters     how many wait
  recoveries  how often something was taken back from a process that died
  not_recoverable  true if a lock waits for ` + "`ipc reset URL`" + `, otherwise left out`,
		Example: `  ipc stat sem://jobs
  ipc stat mutex://deploy --json | jq .pids`,
		Args:              takes(1, 1, "one URL, such as sem://jobs"),
		ValidArgsFunction: completeURL("sem://", "mutex://", "rwmutex://", "event://"),
		RunE:              func(_ *cobra.Command, args []string) error { return s.run(args[0]) },
	}
	cmd.Flags().SortFlags = false
	s.register(cmd)
	cmd.Flags().BoolVar(&s.json, "json", false, "print JSON")
	return cmd
}

// statter is one run of stat.
type statter struct {
	accessFlags
	json bool
	out  screen
}

// statEvent is a line of stat's JSON.
type statEvent struct {
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
	URL   string    `json:"url"`
	ipcsync.Stats
}

func (s *statter) run(url string) error {
	t, err := parseURLOf(url, "sem", "mutex", "rwmutex", "event")
	if err != nil {
		return err
	}
	cfg, err := s.syncConfig()
	if err != nil {
		return err
	}
	cfg.Track = t.scheme == "sem" && isTracked(t.name)
	o, err := openTurns(t, cfg)
	if err != nil {
		return err
	}
	defer o.Close()
	stats, err := o.Stats()
	if err != nil {
		return err
	}
	text := statTable(t, stats)
	if s.json {
		text = jsonLine(statEvent{"stat", time.Now(), t.String(), stats})
	}
	_, err = io.WriteString(s.out, text)
	return err
}

// isTracked reports whether it is written down who holds a semaphore's permits, so
// that to look makes nothing new.
func isTracked(name string) bool {
	path, err := object.Path("track", name, breezeway.Session)
	if err == nil {
		_, err = os.Lstat(path)
	}
	return err == nil
}

func statTable(t target, s ipcsync.Stats) string {
	number := func(n int64) string {
		if n < 0 {
			return "-"
		}
		return strconv.FormatInt(n, 10)
	}
	pids := "-"
	if len(s.PIDs) > 0 {
		var words []string
		for _, pid := range s.PIDs {
			words = append(words, strconv.Itoa(pid))
		}
		pids = strings.Join(words, " ")
	}
	text := table([][]string{
		{"value", "max", "holders", "waiters", "recoveries", "pids"},
		{number(int64(s.Value)), number(int64(s.Max)), number(int64(s.Holders)), number(int64(s.Waiters)), number(s.Recoveries), pids},
	})
	if s.NotRecoverable {
		text += fmt.Sprintf("not recoverable: mend what it protects, then run ipc reset %s\n", t)
	}
	return text
}
