package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/relay"
	"github.com/spf13/cobra"
)

func newReplay() *cobra.Command {
	r := &replaying{}
	cmd := &cobra.Command{
		Use:   "replay FILE ENDPOINT",
		Short: "Send again what ipc relay --tap recorded (experimental)",
		Long: `replay sends what the clients in a recording of ipc relay --tap sent, to the server at
ENDPOINT, at the pace at which it was recorded. Each connection of the recording is one
here. What the server answers is read and dropped. It exits with 0 when the server has
closed all connections.

ENDPOINT is a URL of a stream, as ipc relay takes it. FILE - is standard input.`,
		Example: `  ipc replay session.jsonl pipe://app
  ipc replay - pipe://app < session.jsonl
  ipc replay session.jsonl pipe://app --speed 10
  ipc replay session.jsonl pipe://app --speed 0        # as fast as possible`,
		Args: takes(2, 2, "a recording and a URL, such as session.jsonl pipe://app"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.file, r.url = args[0], args[1]
			return r.run(cmd.Context()) // a signal ends the process: nothing is left behind
		},
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return completeName(relayable(), toComplete)
		}
		return nil, map[bool]cobra.ShellCompDirective{true: cobra.ShellCompDirectiveDefault, false: cobra.ShellCompDirectiveNoFileComp}[len(args) == 0]
	}
	cmd.Flags().Float64Var(&r.speed, "speed", 1, "so many times as fast as recorded; 0 waits for nothing")
	return cmd
}

// replaying is one run of replay.
type replaying struct {
	file, url string
	speed     float64

	start, recorded time.Time // of the first piece
	conns           map[int]*replayed
}

// replayed is a connection whose answers are dropped.
type replayed struct {
	net.Conn
	ended chan error
}

func (r *replaying) run(ctx context.Context) error {
	switch {
	case !(r.speed >= 0): // it may be NaN
		return usagef("--speed is 0 or more, not %v", r.speed)
	case !hasClients(r.url):
		return usagef("replay takes the URL of a stream, not %s", r.url)
	}
	if err := cmp.Or(checkEndpoint(r.url), checkDialled(r.url)); err != nil {
		return err
	}
	f := os.Stdin
	if r.file != "-" {
		var err error
		if f, err = os.Open(r.file); err != nil {
			return err
		}
		defer f.Close()
	}
	r.conns = map[int]*replayed{}
	defer func() {
		for _, c := range r.conns {
			c.Close()
		}
	}()
	recording := relay.NewRecording(f)
	for {
		piece, err := recording.Next()
		if err == io.EOF {
			return r.finish(ctx)
		}
		if err == nil {
			err = r.send(ctx, piece)
		}
		if err != nil {
			return err
		}
	}
}

// send sends a piece when its time has come.
func (r *replaying) send(ctx context.Context, piece relay.Record) error {
	if r.start.IsZero() {
		r.start, r.recorded = time.Now(), piece.Time
	}
	if r.speed > 0 {
		due := r.start.Add(time.Duration(float64(piece.Time.Sub(r.recorded)) / r.speed))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	c, err := r.conn(ctx, piece.Connection)
	if err != nil {
		return err
	}
	if _, err := c.Write(piece.Data); err != nil {
		return fmt.Errorf("connection %d: %w", piece.Connection, err)
	}
	return nil
}

func (r *replaying) conn(ctx context.Context, n int) (*replayed, error) {
	if c := r.conns[n]; c != nil {
		return c, nil
	}
	conn, err := endpoint.Dial(ctx, r.url)
	if err != nil {
		return nil, usageOfURL(err)
	}
	c := &replayed{conn, make(chan error, 1)}
	r.conns[n] = c
	go func() {
		_, err := io.Copy(io.Discard, conn)
		c.ended <- err
	}()
	return c, nil
}

// finish ends the connections in good order.
func (r *replaying) finish(ctx context.Context) error {
	for n, c := range r.conns {
		half, ok := c.Conn.(interface{ CloseWrite() error })
		if !ok {
			continue // it is closed at the end
		}
		err := half.CloseWrite()
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		if err != nil {
			return fmt.Errorf("connection %d: %w", n, err)
		}
		select {
		case err := <-c.ended:
			if err != nil && !errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("connection %d: %w", n, err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
