package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/relay"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"github.com/spf13/cobra"
)

func newRelay() *cobra.Command {
	r := &relaying{err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "relay A B",
		Short: "Join two endpoints",
		Long: `relay listens at A, dials B for each client that connects, and passes on what comes
at either end until both have said that nothing more comes, or one fails. Many
clients are served at once. It ends by Ctrl-C, SIGTERM or SIGHUP.

A and B are URLs with options, which replace the flags of other verbs:
  pipe://NAME?message, pipe:///PATH, shmnet://NAME, shmnet:///PATH, unix:///PATH,
  unix://@NAME, tcp://HOST:PORT, tls://HOST:PORT?cert=FILE&key=FILE&ca=FILE,
  activated:// as A, the listener that systemd passed
and, in one direction,
  fifo:///PATH    an existing FIFO: A is read until its last writer closes it
  mq://NAME, mq:///PATH, mq+posix://NAME, mq+sysv:///PATH
                  a queue: of A each message is passed on, to a stream as a line; to B
                  each line is sent as a message
  ring://NAME     the same of a ring, whose messages are not acknowledged
  stdio://        standard input and output
Where A is not listened at there is one connection, and relay ends with it. What B
answers to a queue or a FIFO is dropped.

A message of a queue is acknowledged when B has taken it: a queue when it has it, a named
pipe, a Unix socket and shared memory when the server has read it, on Linux. If the server
closes before, the message is in the queue again, and relay exits with 1. With TCP, TLS,
standard output and FIFOs, and on other systems, the system doesn't tell what was read: a
message counts as taken once the system has it, and is lost if the server ends then.

An end that can't be told that nothing more comes, such as standard output, or a named pipe
on Windows, is closed when the other one has ended and nothing has passed for a second. What
a server answers before it has read everything is passed on although its client still
writes.

With --retry a client that leaves before B's server has come, and has sent nothing, is
forgotten. A second signal ends relay at once.

--tap records what passes: a line of JSON for each piece, with time, connection,
direction (> to B, < to A) and data (base64). The file is for this user alone, and must
not exist. ipc replay sends it again.

With --json each line on standard output is an object with these fields:
  event       listening, connected, closed, error
  time        RFC 3339
  connection  counts from 1
  to_b, to_a  bytes that passed, in closed
  error       what went wrong with the connection; the others go on`,
		Example: `  ipc relay tcp://127.0.0.1:8085 pipe://app
  ipc relay fifo:///tmp/log mq://log
  ipc relay stdio:// pipe://app --tap session.jsonl`,
		Args: takes(2, 2, "two URLs, such as pipe://app tcp://127.0.0.1:8080"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.a, r.b = args[0], args[1]
			return r.run(cmd.Context())
		},
		ValidArgsFunction: completeRelay,
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&r.tap, "tap", "", "record what passes in a new `FILE`")
	f.BoolVar(&r.wait, "retry", false, "wait for B's server, for each connection")
	f.BoolVar(&r.json, "json", false, "print JSON, one object per line")
	return cmd
}

// relaying is one run of relay.
type relaying struct {
	a, b, tap  string
	wait, json bool
	err        screen

	relay     relay.Relay
	open, all atomic.Int64

	mu      sync.Mutex // keeps what is printed whole
	line    *statusLine
	failure error
	stop    context.CancelFunc // ends the run
}

func (r *relaying) run(ctx context.Context) (err error) {
	if err := r.check(); err != nil {
		return err
	}
	if r.tap != "" {
		f, failed := os.OpenFile(r.tap, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, closeTap(f, err != nil)) }()
		r.relay.Tap = relay.NewTap(f)
	}
	if r.json {
		// Events without a reader are an error, and don't kill this process.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	r.stop = stop
	context.AfterFunc(ctx, stop) // from now on another signal kills
	r.line = &statusLine{screen: r.err}
	defer r.line.close()
	defer r.showRate()()
	if hasClients(r.a) {
		return r.serve(ctx)
	}
	first, err := openFirst(ctx, r.a)
	if err == nil {
		r.all.Add(1)
		err = r.join(ctx, ctx, 1, first)
	}
	if ctx.Err() != nil {
		err = nil // a signal
	}
	return cmp.Or(usageOfURL(err), r.failed())
}

// check checks the URLs.
func (r *relaying) check() error {
	for _, url := range []string{r.a, r.b} {
		if err := checkEndpoint(url); err != nil {
			return err
		}
		if r.json && schemeOf(url) == stdioScheme {
			return usagef("--json prints to standard output, which is an end here; leave one of them out")
		}
	}
	if r.a == r.b {
		return usagef("A and B are both %s: what arrives would go round for ever", r.a)
	}
	if schemeOf(r.a) == "tls" {
		if err := checkServerTLS(r.a, "the options cert, key and ca", "anonymous-clients instead of ca"); err != nil {
			return err
		}
	}
	return checkDialled(r.b)
}

// closeTap closes a recording. One with nothing in it, of a relay that failed, it removes:
// the next try would find that it exists.
func closeTap(f *os.File, failed bool) error {
	ours, err := f.Stat()
	there, gone := os.Lstat(f.Name())
	if failed && err == nil && gone == nil && ours.Size() == 0 && os.SameFile(ours, there) {
		defer os.Remove(f.Name()) // after Close, which Windows needs
	}
	return f.Close()
}

// serve joins each client with a connection of its own.
func (r *relaying) serve(ctx context.Context) error {
	l, err := endpoint.Listen(ctx, r.a)
	if err != nil {
		return usageOfURL(err)
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	r.tell(relayEvent{Event: "listening", Address: l.Addr().String()})
	if !r.json && listenerIsNews(r.err, r.a) {
		r.line.during(true, func() { announce(r.err, l.Addr().String()) })
	}
	var clients sync.WaitGroup
	defer clients.Wait()
	var pause watch.Backoff
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			clients.Wait() // which have events yet
			return r.failed()
		case isPassing(err):
			pause.Sleep(ctx) // out of descriptors, perhaps: clients that leave give them back
			continue
		case err != nil:
			return err
		}
		pause = watch.Backoff{}
		n := int(r.all.Add(1))
		clients.Go(func() {
			if err := r.admit(ctx, n, conn); err != nil && ctx.Err() == nil {
				r.warn(n, err)
			}
		})
	}
}

var errLeft = errors.New("the client left before there was a server")

// admit joins a client with B. One that leaves before B's server has come, without having
// sent anything, is not kept until then.
func (r *relaying) admit(ctx context.Context, n int, conn net.Conn) error {
	first := streamEnd(conn, r.a, true)
	if !r.wait {
		return r.join(ctx, ctx, n, first)
	}
	present, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	first = relay.ReadAhead(ctx, first, func(err error) {
		asked, ok := conn.(interface{ PeerClosed() bool })
		if err != nil && ok && asked.PeerClosed() {
			leave(errLeft)
		}
	})
	return r.join(ctx, present, n, first)
}

// join joins a client with B, which is dialled until dialling ends.
func (r *relaying) join(ctx, dialling context.Context, n int, first relay.End) error {
	r.open.Add(1)
	defer r.open.Add(-1)
	second, err := r.dialSecond(dialling)
	if err != nil {
		first.Close()
		return err
	}
	if s, ok := second.(*relay.Stream); ok && isQueue(r.a) && !s.Whole {
		s.Separator = []byte("\n")
	}
	r.tell(relayEvent{Event: "connected", Connection: n})
	one := relay.Relay{Tap: r.relay.Tap, Total: &r.relay}
	err = one.Join(ctx, n, first, second)
	there, back := one.Bytes[relay.There].Load(), one.Bytes[relay.Back].Load()
	r.tell(relayEvent{Event: "closed", Connection: n, ToB: &there, ToA: &back})
	return err
}

// shortagePatience is how long a client is kept that can't be joined for want of descriptors.
const shortagePatience = 2 * time.Second

// dialSecond dials B, again if descriptors are missing: other clients that leave give theirs
// back, unless all wait for some.
func (r *relaying) dialSecond(ctx context.Context) (relay.End, error) {
	var pause watch.Backoff
	for start := time.Now(); ; {
		second, err := openSecond(ctx, r.b, r.wait)
		missing := errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
		if !missing || time.Since(start) > shortagePatience || pause.Sleep(ctx) != nil {
			return second, err
		}
	}
}

// relayEvent is what relay prints with --json.
type relayEvent struct {
	Event      string    `json:"event"`
	Time       time.Time `json:"time"`
	Address    string    `json:"address,omitempty"`
	Connection int       `json:"connection,omitempty"`
	ToB        *int64    `json:"to_b,omitempty"`
	ToA        *int64    `json:"to_a,omitempty"`
	Error      string    `json:"error,omitempty"`
}

// tell prints an event if --json is set.
func (r *relaying) tell(e relayEvent) {
	if !r.json {
		return
	}
	e.Time = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := io.WriteString(os.Stdout, jsonLine(e)); err != nil && r.failure == nil {
		r.failure = err
		r.stop() // as every program ends whose output is not read
	}
}

func (r *relaying) warn(n int, err error) {
	if r.json {
		r.tell(relayEvent{Event: "error", Connection: n, Error: err.Error()})
		return
	}
	r.line.during(true, func() { warn("connection %d: %v", n, err) })
}

func (r *relaying) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure
}

// showRate shows on a terminal what passes, until the function that it returns is called.
func (r *relaying) showRate() (stop func()) {
	if !r.err.ansi {
		return func() {}
	}
	done := make(chan struct{})
	var drawing sync.WaitGroup
	drawing.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		var before [2]int64
		last := time.Now()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				r.line.draw(r.rate(&before, now.Sub(last)))
				last = now
			}
		}
	})
	return func() {
		close(done)
		drawing.Wait()
	}
}

func (r *relaying) rate(before *[2]int64, passed time.Duration) string {
	text := fmt.Sprintf("%d open, %d in all", r.open.Load(), r.all.Load())
	for direction, arrow := range []string{"→", "←"} {
		n := r.relay.Bytes[direction].Load()
		perSecond := float64(n-before[direction]) / passed.Seconds()
		before[direction] = n
		text += fmt.Sprintf("  %s %s (%s/s)", arrow, size(n), size(int64(perSecond)))
	}
	return text
}

// The schemes that relay alone takes.
const (
	stdioScheme     = "stdio"
	activatedScheme = "activated"
)

// relayForms are the URLs that relay alone takes.
var relayForms = []form{
	{stdioScheme + "://", "standard input and output, of ipc relay"},
	{activatedScheme + "://", "the listener that systemd passed, of ipc relay (Linux)"},
}

// relayable returns the mechanisms that carry bytes or messages.
func relayable() (some []*mechanism) {
	for _, m := range mechanisms {
		if m.stream != nil || m.queue != nil {
			some = append(some, m)
		}
	}
	return some
}

func schemeOf(url string) string {
	scheme, _, _ := strings.Cut(url, "://")
	return scheme
}

func isQueue(url string) bool {
	m := mechanismOf(schemeOf(url))
	return m != nil && m.queue != nil
}

// isOneWay reports whether what a URL names is read, or written.
func isOneWay(url string) bool {
	m := mechanismOf(schemeOf(url))
	return m != nil && m.stream != nil && m.stream.oneWay
}

// hasClients reports whether many can connect to what a URL names.
func hasClients(url string) bool {
	return schemeOf(url) != stdioScheme && !isOneWay(url) && !isQueue(url)
}

// checkEndpoint checks a URL's form.
func checkEndpoint(url string) error {
	known := slices.ContainsFunc(relayable(), func(m *mechanism) bool { return m.scheme == schemeOf(url) }) ||
		slices.ContainsFunc(relayForms, func(f form) bool { return schemeOf(f.url) == schemeOf(url) })
	if !known || !strings.Contains(url, "://") {
		return usagef("%q carries no stream and no messages; these URLs do:\n%s", url, strings.TrimRight(schemeHelp(relayable())+formHelp(relayForms), "\n"))
	}
	u, err := endpoint.Parse(url)
	switch {
	case err != nil:
		return &exit{exitUsage, err}
	case u.Fragment != "":
		return usagef("%q names an object after #, which is for ipc call; leave it out", url)
	}
	return nil
}

// checkDialled checks that there is something to dial at a URL.
func checkDialled(url string) error {
	if schemeOf(url) == activatedScheme {
		return usagef("%s is a listener that systemd made; clients dial that by its address, as in unix:///run/app.sock", url)
	}
	return nil
}

// openFirst opens A if it is not listened at for many clients.
func openFirst(ctx context.Context, url string) (relay.End, error) {
	if isQueue(url) {
		return openQueueEnd(ctx, url, true)
	}
	l, err := endpoint.Listen(ctx, url)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	conn, err := l.Accept()
	if err != nil {
		return nil, err
	}
	return streamEnd(conn, url, true), nil
}

// openSecond opens B.
func openSecond(ctx context.Context, url string, wait bool) (relay.End, error) {
	if isQueue(url) {
		return openQueueEnd(ctx, url, false)
	}
	dial := endpoint.Dial
	if wait {
		dial = endpoint.DialWait
	}
	conn, err := dial(ctx, url)
	if err != nil {
		return nil, err
	}
	return streamEnd(conn, url, false), nil
}

func openQueueEnd(ctx context.Context, url string, from bool) (relay.End, error) {
	q, err := endpoint.OpenQueue(ctx, url)
	if err != nil {
		return nil, err
	}
	return &relay.Queue{Queue: q, From: from}, nil
}

// streamEnd returns a connection as an end: A, of which from is true, or B.
func streamEnd(conn net.Conn, url string, from bool) relay.End {
	u, err := endpoint.Parse(url)
	end := &relay.Stream{In: conn, Out: conn, Closer: conn}
	if err == nil {
		end.Whole, end.Packets = u.Bool("message"), u.Bool("packets")
	}
	if conn, ok := conn.(syscall.Conn); ok && err == nil && slices.Contains([]string{"unix", "tcp", "pipe"}, schemeOf(url)) && !end.Whole && !end.Packets {
		end.Socket, _ = conn.SyscallConn() // it fails if conn is closed, as reading will
		end.Kind, end.Name = u.Scheme, u.Name
	}
	switch {
	case isOneWay(url) && from:
		end.Out = nil
	case isOneWay(url):
		end.In = nil
	}
	return end
}

// completeRelay completes the URLs that relay takes.
func completeRelay(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	urls, directive := completeName(relayable(), toComplete)
	for _, f := range relayForms {
		if strings.HasPrefix(f.url, toComplete) && directive&cobra.ShellCompDirectiveNoSpace != 0 {
			urls = append(urls, f.url)
		}
	}
	return urls, directive
}
