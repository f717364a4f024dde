package endpoint

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/mq"
)

// OpenQueue opens the queue at a URL. With the option create it makes one if there is none.
// The caller closes it.
//
// It fails as the scheme's package does, with [os.ErrNotExist] if there is no queue, for
// instance; with [os.ErrInvalid] for a bad URL, and with [errors.ErrUnsupported] for a
// scheme without queues.
func OpenQueue(ctx context.Context, url string) (mq.Queue, error) {
	return queues.open(ctx, url, nil)
}

var queues = what[mq.Queue]{breezeway.OpOpen, "queues",
	func(s *Scheme) func(context.Context, *URL) (mq.Queue, error) { return s.OpenQueue }}

var queueScheme = Scheme{
	Name: "mq",
	Options: []string{
		"allow", "capacity", "capacity-bytes", "create", "dead-letter", "full", "lease-timeout", "max-deliveries",
		"max-message", "mode", "sync", "trust",
	},
	OpenQueue: func(_ context.Context, u *URL) (mq.Queue, error) {
		cfg := &mq.Config{
			Mode: u.Mode("mode"), Allow: u.Texts("allow"), Trust: u.Texts("trust"),
			Capacity: u.Int("capacity"), CapacityBytes: u.Size("capacity-bytes"), MaxMessage: int(u.Size("max-message")),
			Full:         choice(u, "full", map[string]mq.Full{"wait": mq.FullWait, "fail": mq.FullFail, "drop": mq.FullDrop}),
			LeaseTimeout: u.Duration("lease-timeout"), MaxDeliveries: u.Int("max-deliveries"), DeadLetter: u.Text("dead-letter"),
			Sync: u.Bool("sync"), Logger: u.logger,
		}
		return openQueue(u, cfg, mq.Open, mq.OpenOrCreate)
	},
}

var posixScheme = Scheme{
	Name:    "mq+posix",
	Options: []string{"capacity", "create", "max-message", "mode", "trust"},
	OpenQueue: func(_ context.Context, u *URL) (mq.Queue, error) {
		cfg := &mq.POSIXConfig{
			Mode: u.Mode("mode"), Trust: u.Texts("trust"), Capacity: u.Int("capacity"), MaxMessage: int(u.Size("max-message")),
		}
		return openQueue(u, cfg, mq.OpenPOSIX, mq.OpenOrCreatePOSIX)
	},
}

var systemVScheme = Scheme{
	Name:    "mq+sysv",
	Options: []string{"capacity-bytes", "create", "mode", "project", "receive-type", "send-type", "trust"},
	OpenQueue: func(_ context.Context, u *URL) (mq.Queue, error) {
		cfg := &mq.SystemVConfig{
			Mode: u.Mode("mode"), Trust: u.Texts("trust"), Project: u.Int("project"),
			SendType: u.Int("send-type"), ReceiveType: u.Int("receive-type"), CapacityBytes: u.Size("capacity-bytes"),
		}
		return openQueue(u, cfg, mq.OpenSystemV, mq.OpenOrCreateSystemV)
	},
}

// openQueue opens a queue, or creates it if the URL says so.
func openQueue[Q mq.Queue, C any](u *URL, cfg C, openIt, create func(string, C) (Q, error)) (mq.Queue, error) {
	if u.Bool("create") {
		openIt = create
	}
	if u.err != nil {
		return nil, u.err
	}
	q, err := openIt(u.Name, cfg)
	if err != nil {
		return nil, err
	}
	return q, nil
}
