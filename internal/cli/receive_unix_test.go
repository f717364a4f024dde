//go:build unix

package cli

import (
	"io"
	"testing"
)

func TestReceiveSignals(t *testing.T) {
	for _, sig := range endings {
		url := uniqueURL()
		l := listen(t, url, nil)
		client := start(t, "receive", url, "--lines", "--timeout", "1m")
		c := accept(t, l)
		io.WriteString(c, "hello\n")
		client.Expect("hello")
		if err := client.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, client, 0)
		c.Close()
	}
}
