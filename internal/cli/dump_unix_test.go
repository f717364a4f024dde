//go:build unix

package cli

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/google/go-cmp/cmp"
)

// TestHexDumpIsHexdumps compares with the program that we follow.
func TestHexDumpIsHexdumps(t *testing.T) {
	hexdump, err := exec.LookPath("hexdump")
	if err != nil {
		ipctest.Missing(t, "hexdump is not installed")
	}
	var bytewise []byte
	for i := range 1000 {
		bytewise = append(bytewise, byte(i*i/300))
	}
	for _, n := range []int{1, 8, 9, 16, 255, 1000} {
		data := append(bytewise[:n:n], make([]byte, 100)...)
		cmd := exec.Command(hexdump, "-C")
		cmd.Stdin = bytes.NewReader(data)
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		d := &hexDump{out: &got}
		d.add(0, data)
		d.end(int64(len(data)))
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%d bytes: -hexdump +ours\n%s", n, diff)
		}
	}
}
