package cli

import (
	"os"
	"strconv"
	"testing"
)

func TestSegmentOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a segment of another user")
	}
	url := create(t, "shm", "5")
	succeed(t, "", "write", url, "whose")
	const other = 12345
	if err := os.Chown(pathOf(url), other, other); err != nil {
		t.Fatal(err)
	}
	for _, verb := range [][]string{{"read", url}, {"write", url, "mine!"}} {
		expectFailure(t, run(t, "", verb...), exitError, "12345", "admit")
	}
	if got := succeed(t, "", "read", url, "--trust", strconv.Itoa(other)); got != "whose" {
		t.Errorf("%q", got)
	}
}

func TestCreateAllows(t *testing.T) {
	url := create(t, "shm", "5")
	succeed(t, "", "rm", url)
	succeed(t, "", "create", url, "--size", "5", "--mode", "0640", "--allow", "12345")
	info, err := os.Stat(pathOf(url))
	if err != nil || info.Mode() != 0o660 { // the group's bits are the list's mask
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
