//go:build unix

package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

// What a server says in an error controls no terminal.
func TestCallShowsNoControlSequence(t *testing.T) {
	l, url := listened(t, unixURL(t))
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		var length int
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Sscanf(line, "Content-Length: %d", &length)
			if line == "\r\n" {
				break
			}
		}
		var request struct{ ID json.RawMessage }
		if json.NewDecoder(io.LimitReader(in, int64(length))).Decode(&request) != nil {
			return
		}
		answer := `{"jsonrpc":"2.0","id":` + string(request.ID) + `,"error":{"code":1,"message":"\u001b]0;owned\u0007\nipc: all is well"}}`
		fmt.Fprintf(conn, "Content-Length: %d\r\n\r\n%s", len(answer), answer)
	}()
	r := run(t, "", "call", url, "Foo")
	if r.code != exitError || !strings.Contains(r.stderr, `\x1b]0;owned\a\nipc: all is well`) {
		t.Errorf("exit %d: %q", r.code, r.stderr)
	}
}
