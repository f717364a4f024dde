package cli

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/pipe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestReceive(t *testing.T) {
	for _, test := range []struct {
		args    []string
		message bool
		want    string
	}{
		{[]string{"--lines"}, false, "one\ntwo\n"},
		{nil, false, "one\ntwo\n"},
		{[]string{"--message"}, true, "one\n\ntwo\n\n"},
	} {
		url := uniqueURL()
		l := listen(t, url, &pipe.Config{Direction: pipe.Out, Message: test.message})
		client := start(t, append([]string{"receive", url}, test.args...)...)
		c := accept(t, l)
		io.WriteString(c, "one\n")
		io.WriteString(c, "two\n")
		for want := range strings.Lines(test.want) {
			client.Expect(strings.TrimSuffix(want, "\n"))
		}
		c.Close()
		expectEnd(t, client, 0)
	}
}

// A server of both ways finds that its client sends nothing.
func TestReceiveSendsNothing(t *testing.T) {
	url := uniqueURL()
	l := listen(t, url, nil)
	client := start(t, "receive", url, "--json")
	c := accept(t, l)
	io.WriteString(c, "hello")
	if e := parse(t, client.Hear()); e.Event != "connected" || e.URL != url || e.Address == "" || e.Peer == nil {
		t.Errorf("%+v", e)
	}
	expectText(t, client, "hello")
	c.Close()
	expectEnd(t, client, 0)
}

func TestReceiveCount(t *testing.T) {
	url := uniqueURL()
	l := listen(t, url, nil)
	client := start(t, "receive", url, "--lines", "--count", "2")
	c := accept(t, l)
	io.WriteString(c, "one\ntwo\n")
	client.Expect("one")
	client.Expect("two")
	expectEnd(t, client, 0)
	c.Close()

	client = start(t, "receive", url, "--lines", "--count", "2")
	c = accept(t, l)
	io.WriteString(c, "one\n")
	client.Expect("one")
	c.Close()
	expectEnd(t, client, exitError)
	if !strings.Contains(client.Stderr(), "after 1 of 2") {
		t.Errorf("stderr: %s", client.Stderr())
	}
}

func TestReceiveTimeout(t *testing.T) {
	url := uniqueURL()
	if r := run(t, "", "receive", url, "--timeout", "50ms"); r.code != exitTimeout || !strings.Contains(r.stderr, "no server") {
		t.Errorf("%+v", r)
	}
	l := listen(t, url, nil)
	ipctest.Longer(t, func(limit time.Duration) error {
		return expectTimeout(t, start(t, "receive", url, "--timeout", limit.String()), l, "sent nothing")
	})
}
