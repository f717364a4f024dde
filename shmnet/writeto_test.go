//go:build linux || windows

package shmnet

import (
	"errors"
	"io"
	"testing"
)

// sink takes so many bytes of each write, and returns err.
type sink struct {
	takes int
	err   error
}

func (s sink) Write(p []byte) (int, error) { return min(s.takes, len(p)), s.err }

// TestWriteToReportsItsWriter copies to writers that don't take everything. Some report
// that with io.EOF, as the channels of golang.org/x/crypto/ssh do.
func TestWriteToReportsItsWriter(t *testing.T) {
	for name, test := range transports {
		for _, s := range []struct {
			sink
			want error
		}{
			{sink{3, io.EOF}, io.EOF},
			{sink{3, nil}, io.ErrShortWrite},
			{sink{0, nil}, io.ErrShortWrite},
		} {
			t.Run(name, func(t *testing.T) {
				client, server, err := connected(test.client, test.server)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				defer server.Close()
				if _, err := io.WriteString(server, "not all of this"); err != nil {
					t.Fatal(err)
				}
				var n int64
				err = mustEnd(t, start(func() (err error) { n, err = client.WriteTo(s.sink); return err }))
				if n != int64(s.takes) || !errors.Is(err, s.want) {
					t.Errorf("%d bytes, %v; want %d, %v", n, err, s.takes, s.want)
				}
			})
		}
	}
}
