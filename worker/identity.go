package worker

import (
	"fmt"
	"strings"
	"sync"

	"github.com/breezeway-ipc/breezeway"
)

// image is the executable that this process runs. It is opened when Main is called, where
// the system needs that to find the file again after it was renamed or replaced.
var image = sync.OnceValue(openImage)

// greeting returns what a worker says first and its parent compares with its own: which
// file it runs, and what its functions are. Names and types of functions that are defined
// depending on arguments or the environment may differ, and so may the build if the file
// was replaced.
func greeting() string {
	return "breezeway worker 1\n" + image().identity() + "\n" + strings.Join(signatures(), "\n")
}

// checkGreeting says how a worker's greeting differs from what this process would say.
func checkGreeting(theirs string) error {
	ours := greeting()
	if theirs == ours {
		return nil
	}
	their, our := strings.Split(theirs, "\n"), strings.Split(ours, "\n")
	switch {
	case their[0] != our[0]:
		return errGarbled("the process that was started is no worker of this version")
	case len(their) < 2 || their[1] != our[1]:
		return fmt.Errorf("the process that was started runs another build of this program: the executable was replaced; restart this process (%w)", breezeway.ErrMismatch)
	}
	here, there := map[string]bool{}, map[string]bool{}
	for _, s := range their[2:] {
		there[s] = true
	}
	for _, s := range our[2:] {
		here[s] = true
		if !there[s] {
			return fmt.Errorf("the worker lacks the function %q; define all functions in variables of packages, whatever the arguments and the environment (%w)", s, breezeway.ErrMismatch)
		}
	}
	for _, s := range their[2:] {
		if !here[s] {
			return fmt.Errorf("the worker has a function %.100q that this process lacks; define all functions in variables of packages, whatever the arguments and the environment (%w)", s, breezeway.ErrMismatch)
		}
	}
	return fmt.Errorf("the worker has the same functions in another order; define them in variables of packages (%w)", breezeway.ErrMismatch)
}
