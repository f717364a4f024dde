package worker

import (
	"fmt"
	"os"
	"sync"
)

// function is a Func of any types, as a worker calls it.
type function interface {
	describe() string // name and types
	invalid() error
	// call calls the function with the encoded input and appends the encoded result, or
	// error, to reply.
	call(ctx *callContext, body, reply []byte) (status uint16, _ []byte)
	callBatch(ctx *callContext, body, reply []byte) (status uint16, _ []byte)
	close() error
}

// registry has the functions of this program, in the order of their definition, which
// is the same in all processes of a build.
var registry struct {
	mu        sync.Mutex
	functions []function
	names     map[string]bool
	complete  bool // Start was called: workers are expected to have the same
}

var errLate = fmt.Errorf("the function was defined after the first Start; define it for a variable of a package (%w)", os.ErrInvalid)

// register adds f and returns its index.
func register(name string, f function) (uint16, error) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if registry.names == nil {
		registry.names = map[string]bool{}
	}
	var err error
	switch {
	case registry.complete:
		return 0, errLate
	case name == "":
		err = fmt.Errorf("a function has no name (%w)", os.ErrInvalid)
	case len(registry.functions) == mostFunctions:
		return 0, fmt.Errorf("there are %d functions already (%w)", mostFunctions, os.ErrInvalid)
	case registry.names[name]:
		err = fmt.Errorf("the function %q is defined twice (%w)", name, os.ErrInvalid)
	}
	registry.names[name] = true
	registry.functions = append(registry.functions, f)
	return uint16(len(registry.functions) - 1), err
}

// defined returns the functions as of now.
func defined() []function {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	return registry.functions[:len(registry.functions):len(registry.functions)]
}

// signatures describes the functions.
func signatures() (all []string) {
	for _, f := range defined() {
		all = append(all, f.describe())
	}
	return all
}

// endDefinitions has all later ones fail, or returns what is wrong with one that there is.
func endDefinitions() error {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	for _, f := range registry.functions {
		if err := f.invalid(); err != nil {
			return err
		}
	}
	registry.complete = true
	return nil
}
