package worker

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// specVariable is the environment variable that makes a process a worker.
const specVariable = "BREEZEWAY_WORKER"

// spec is what a worker is told when it starts, as JSON in the environment.
type spec struct {
	Handle string // of the connection that package pipe doesn't pass
	Ledger string // where the worker notes the calls that it takes, on Windows
	Parent int    // the parent's process id, by which buffers are found
	Limits Limits
}

// put puts sp into the environment of cmd.
func (sp *spec) put(cmd *exec.Cmd) {
	text, err := json.Marshal(sp)
	if err != nil {
		panic(err) // strings and numbers
	}
	cmd.Env = append(cmd.Environ(), specVariable+"="+string(text)) // the last one counts
}

// takeSpec takes the spec out of the environment, so that children of this process don't
// think that it is theirs.
func takeSpec() (sp spec, ok bool, err error) {
	text, ok := os.LookupEnv(specVariable)
	if !ok {
		return sp, false, nil
	}
	os.Unsetenv(specVariable)
	if err := json.Unmarshal([]byte(text), &sp); err != nil {
		return sp, true, fmt.Errorf("%s is %q, which no parent of this package sets (%w)", specVariable, text, err)
	}
	return sp, true, nil
}
