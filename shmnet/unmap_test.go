//go:build linux || windows

package shmnet

import (
	"io"
	"strings"
	"testing"
)

// TestCloseUnmapsAfter has calls end what Reserve and Peek have returned, or leaves that
// to Commit and Discard after Close. The memory is given back either way.
func TestCloseUnmapsAfter(t *testing.T) {
	const text = "header and body"
	for name, test := range map[string]struct {
		before, after func(client, server *Conn)
	}{
		"nothing": {},
		"Peek, Read": {before: func(_, server *Conn) {
			server.Peek(6)
			io.ReadFull(server, make([]byte, len(text)))
		}},
		"Peek, WriteTo": {before: func(client, server *Conn) {
			server.Peek(6)
			client.CloseWrite()
			server.WriteTo(io.Discard)
		}},
		"Peek, WriteTo until Close": {before: func(_, server *Conn) {
			server.Peek(6)
			server.WriteTo(closer{server})
		}},
		"Reserve, Write": {before: func(client, _ *Conn) {
			client.Reserve(6)
			io.WriteString(client, "x")
		}},
		"Reserve, ReadFrom": {before: func(client, _ *Conn) {
			client.Reserve(6)
			client.ReadFrom(strings.NewReader(text))
		}},
		"Reserve, Peek, Close, Commit, Discard": {
			before: func(client, server *Conn) { client.Reserve(6); server.Peek(6) },
			after:  func(client, server *Conn) { client.Commit(6); server.Discard(6) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, server, err := connected(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			awaitShared(t, server)
			if _, err := io.WriteString(client, text); err != nil {
				t.Fatal(err)
			}
			if test.before != nil {
				test.before(client, server)
			}
			client.Close()
			server.Close()
			if test.after != nil {
				if !isMapped(t, client) || !isMapped(t, server) {
					t.Error("what Reserve and Peek have returned is not valid any more")
				}
				test.after(client, server)
			}
			if isMapped(t, client) {
				t.Error("the client's memory stays mapped")
			}
			if isMapped(t, server) {
				t.Error("the server's memory stays mapped")
			}
		})
	}
}

// closer closes a connection when it is written to.
type closer struct{ c *Conn }

func (c closer) Write(p []byte) (int, error) { return len(p), c.c.Close() }
