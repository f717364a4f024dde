package cli

import "testing"

// What is asked for and can't be listed is an error; without a URL it is left out.
func TestListSaysWhatItCannotList(t *testing.T) {
	expectFailure(t, run(t, "", "ls", "sem://"), exitError, "doesn't list")
	succeed(t, "", "ls")
}
