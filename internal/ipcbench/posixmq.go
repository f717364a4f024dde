package ipcbench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/breezeway-ipc/breezeway/mq"
)

// posixQueue is a POSIX queue of the kernel's for each way.
var posixQueue = transport{
	name:    "mq+posix",
	style:   6,
	missing: only("linux", "POSIX queues are for Linux"),
	largest: largestPOSIX,
	serve: func(e *end) (link, error) {
		l, err := serveQueues(e, func(name string) (*mq.POSIXQueue, error) {
			return mq.CreatePOSIX(name, &mq.POSIXConfig{MaxMessage: e.size})
		})
		if err != nil {
			return nil, err
		}
		return letSpin(e, l), nil
	},
	dial: func(e *end) (link, error) {
		l, err := dialQueues(e, func(name string) (*mq.POSIXQueue, error) { return mq.OpenPOSIX(name, nil) })
		if err != nil {
			return nil, err
		}
		return letSpin(e, l), nil
	},
	remove: func(name string) {
		mq.RemovePOSIX(name)
		mq.RemovePOSIX(backName(name))
	},
}

// largestPOSIX returns how large a message this system admits.
func largestPOSIX() (bytes int, why string) {
	bytes = 8192
	if text, err := os.ReadFile("/proc/sys/fs/mqueue/msgsize_max"); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			bytes = n
		}
	}
	return bytes, fmt.Sprintf("at most %d bytes (sysctl fs.mqueue.msgsize_max)", bytes)
}

// letSpin returns a link that spins, if it is to.
func letSpin(e *end, l *queueLink[*mq.POSIXQueue]) link {
	if e.mode != Spin {
		return l
	}
	return &spinningPOSIX{l}
}

// spinningPOSIX is a link that tries again and again.
type spinningPOSIX struct{ *queueLink[*mq.POSIXQueue] }

func (s *spinningPOSIX) Send() error {
	for looks := 1; ; looks++ {
		err := s.out.TrySend(s.outgoing())
		if !errors.Is(err, mq.ErrFull) {
			return err
		}
		if looks%lookEvery == 0 && s.end.stopped.Load() {
			return s.end.stop()
		}
	}
}

func (s *spinningPOSIX) Receive(int) ([]byte, error) {
	for looks := 1; ; looks++ {
		m, ok, err := s.in.TryReceive(s.buf)
		if ok || err != nil {
			return m.Body, err
		}
		if looks%lookEvery == 0 && s.end.stopped.Load() {
			return nil, s.end.stop()
		}
	}
}
