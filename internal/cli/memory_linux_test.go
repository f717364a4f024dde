package cli

import (
	"os"
	"testing"
)

func TestCreateAllows(t *testing.T) {
	url := create(t, "shm", "5")
	succeed(t, "", "rm", url)
	succeed(t, "", "create", url, "--size", "5", "--mode", "0640", "--allow", "12345")
	info, err := os.Stat(pathOf(url))
	if err != nil || info.Mode() != 0o660 { // the group's bits are the list's mask
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
