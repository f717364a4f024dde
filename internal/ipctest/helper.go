package ipctest

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

var (
	helpers = map[string]func(*Control) error{}
	usedMu  sync.Mutex
	used    = map[string]bool{}
)

// Helper registers what a process started by [Start] does. Call it from a
// package-level variable or an init function of a test file. The process exits
// 0 when run returns nil; otherwise it prints the error and exits 1.
func Helper(name string, run func(*Control) error) string {
	if helpers[name] != nil {
		panic("ipctest: helper " + name + " is registered twice")
	}
	helpers[name] = run
	return name
}

// Control is a helper's line to the test that started it. When the test ends,
// or closes the line, the helper's process ends too.
type Control struct {
	Args  []string
	lines chan string

	mu    sync.Mutex
	onEnd []func()
}

// AtEnd registers what is to be done when the test ends the process: closing a
// listener, so that its socket does not stay. Later ones run first.
func (c *Control) AtEnd(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onEnd = append(c.onEnd, f)
}

func (c *Control) listen() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		c.lines <- strings.TrimRight(line, "\r\n")
	}
	c.mu.Lock() // for good: nothing more is registered
	for _, f := range slices.Backward(c.onEnd) {
		f()
	}
	os.Exit(0)
}

// Say sends the test a line.
func (c *Control) Say(format string, args ...any) {
	fmt.Fprintln(os.Stdout, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
}

// Hear waits for a line from the test.
func (c *Control) Hear() string { return <-c.lines }

func runHelper(name string) {
	run := helpers[name]
	if run == nil {
		fmt.Fprintf(os.Stderr, "ipctest: no helper %q in this test binary\n", name)
		os.Exit(2)
	}
	isHelper = true
	os.Unsetenv(helperEnv) // its own children are ordinary processes
	c := &Control{Args: os.Args[1:], lines: make(chan string, 1024)}
	go c.listen()
	err := run(c)
	c.mu.Lock() // if the test is ending us, that goes on to its end
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func unusedHelpers() (complaints []string) {
	usedMu.Lock()
	defer usedMu.Unlock()
	for name := range helpers {
		if !used[name] {
			complaints = append(complaints, "helper "+name+" was used by no test")
		}
	}
	slices.Sort(complaints)
	return complaints
}
