package cli

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shm"
)

// mechanism is what the command knows of a mechanism: its URLs, and what verbs
// can do with what they name. A capability that is nil is one that the mechanism
// lacks.
type mechanism struct {
	scheme string
	noun   string // in errors, and in the tables of docs
	symbol string // where Go programs begin; README's table has it
	forms  []form
	check  func(t target) error // the form of the name
	kernel bool                 // on Windows a kernel object, which goes with its last handle

	create  *creation
	stream  *streaming
	memory  func(t target, r accessRule, readOnly bool) (*memory, error)
	lock    *locking
	permits func(t target, r accessRule, track bool) (permits, error)
	signal  func(t target, r accessRule) (settable, error)
	remove  func(t target, r accessRule) error
	held    func(t target, r accessRule) (ipcsync.Stats, error) // rm asks which processes hold it
	stat    func(t target, r accessRule) (state, error)
	// list returns the names that exist. It takes the beginning of those that are wanted,
	// and may return others too. If byDirectory is set, they are paths, and it takes the
	// directory.
	list        func(start string) (names []string, err error)
	byDirectory bool

	// instead says for a verb that the mechanism lacks what to do instead, where
	// that is more than to use another verb. %s is the URL.
	instead map[string]string
}

// form is a form of URL, and what it names.
type form struct{ url, what string }

// creation is how a mechanism's objects are created.
type creation struct {
	needs []string // flags without which there is no creating
	takes []string // other flags that mean something
	make  func(c *creator, t target, r accessRule) (io.Closer, error)
}

// streaming is how bytes or messages flow through a mechanism.
type streaming struct {
	oneWay bool // there is no way back, and no messages
	serve  func(ctx context.Context, s *server, cfg *pipe.Config) error
	dial   func(ctx context.Context, t target, cfg *pipe.Config) (*destination, error)
}

// locking is how a mechanism excludes other processes.
type locking struct {
	shared bool // there may be several holders that share
	fcntl  bool // --fcntl means something
	open   func(l *locker, r accessRule) (lock, error)
}

// mechanisms are the rows. ARCHITECTURE.md, "Adding a mechanism", says what else a
// new one needs.
var mechanisms = []*mechanism{
	{
		scheme: "pipe", noun: "named pipe", symbol: "pipe.Listen",
		forms: []form{
			{"pipe://NAME", "the named pipe NAME, as .NET and Windows know it"},
			{"pipe:///PATH", "the named pipe whose socket is at /PATH (Unix)"},
		},
		check:  nameOrPath,
		stream: &streaming{serve: servePipe, dial: dialPipe},
		stat:   statPipe,
		list:   listPipes,
		instead: map[string]string{
			"create": "it exists as long as a process serves it: ipc serve %s",
			"rm":     "it goes with the process that serves it; the next `ipc serve %s` replaces what a killed one left",
		},
	},
	{
		scheme: "fifo", noun: "FIFO", symbol: "pipe.OpenFIFO",
		forms:  []form{{"fifo:///PATH", "the FIFO at /PATH (Unix)"}},
		check:  wholePath,
		create: &creation{takes: []string{"mode"}, make: createFIFO},
		stream: &streaming{oneWay: true, serve: serveFIFO, dial: dialFIFO},
		remove: removeFIFO,
		stat:   statFIFO,
		list:   listFIFOs, byDirectory: true,
	},
	{
		scheme: "shm", noun: "segment", symbol: "shm.Create", kernel: true,
		forms:  []form{{"shm://NAME", "the shared memory NAME, as C, Python and .NET know it"}},
		check:  plainName("shm_open's /NAME is shm://NAME, and a file is mmap:///PATH"),
		create: &creation{needs: []string{"size"}, takes: admitting, make: createSegment},
		memory: openSegment,
		remove: removeMemory(shm.KindSegment),
		stat:   statMemory(shm.KindSegment),
		list:   listMemory(shm.KindSegment),
	},
	{
		scheme: "struct", noun: "struct", symbol: "shm.OpenOrCreateStruct",
		forms:   []form{{"struct://NAME", "the value NAME of a Go type, in shared memory"}},
		check:   plainName(""),
		remove:  removeMemory(shm.KindStruct),
		stat:    statMemory(shm.KindStruct),
		list:    listMemory(shm.KindStruct),
		instead: map[string]string{"create": "a Go program creates it with shm.CreateStruct"},
	},
	{
		scheme: "latest", noun: "latest value", symbol: "shm.OpenOrCreateLatest",
		forms:   []form{{"latest://NAME", "the value NAME that one process replaces again and again"}},
		check:   plainName(""),
		remove:  removeMemory(shm.KindLatest),
		stat:    statMemory(shm.KindLatest),
		list:    listMemory(shm.KindLatest),
		instead: map[string]string{"create": "a Go program creates it with shm.CreateLatest"},
	},
	{
		scheme: "mmap", noun: "mapped file", symbol: "mmap.Map",
		forms:  []form{{"mmap:///PATH", "the file at /PATH, mapped into memory"}},
		check:  wholePath,
		create: &creation{needs: []string{"size"}, takes: fileModes, make: createFile},
		memory: openFile,
		remove: removeFile,
	},
	{
		scheme: "sem", noun: "semaphore", symbol: "ipcsync.Semaphore", kernel: true,
		forms:   []form{{"sem://NAME", "the semaphore NAME, as C, Python and .NET know it"}},
		check:   plainName("sem_open's /NAME is sem://NAME"),
		create:  &creation{needs: []string{"value"}, takes: append([]string{"max"}, admitting...), make: createSemaphore},
		permits: openSemaphore,
		remove:  removeSync(ipcsync.KindSemaphore),
		stat:    statSync(ipcsync.KindSemaphore),
		list:    listSync(ipcsync.KindSemaphore),
	},
	{
		scheme: "mutex", noun: "mutex", symbol: "ipcsync.Mutex", kernel: true,
		forms:  []form{{"mutex://NAME", "the lock NAME, which one process has at a time"}},
		check:  plainName(""),
		create: &creation{takes: admitting, make: createMutex},
		lock:   &locking{open: openMutex},
		remove: removeSync(ipcsync.KindMutex),
		held:   holdersSync(ipcsync.KindMutex),
		stat:   statSync(ipcsync.KindMutex),
		list:   listSync(ipcsync.KindMutex),
	},
	{
		scheme: "rwmutex", noun: "rwmutex", symbol: "ipcsync.RWMutex",
		forms:  []form{{"rwmutex://NAME", "the lock NAME, which readers share"}},
		check:  plainName(""),
		create: &creation{takes: admitting, make: createRWMutex},
		lock:   &locking{shared: true, open: openRWMutex},
		remove: removeSync(ipcsync.KindRWMutex),
		held:   holdersSync(ipcsync.KindRWMutex),
		stat:   statSync(ipcsync.KindRWMutex),
		list:   listSync(ipcsync.KindRWMutex),
	},
	{
		scheme: "event", noun: "event", symbol: "ipcsync.Event", kernel: true,
		forms:  []form{{"event://NAME", "the event NAME, which processes wait for"}},
		check:  plainName(""),
		create: &creation{takes: append([]string{"manual"}, admitting...), make: createEvent},
		signal: openEvent,
		remove: removeSync(ipcsync.KindEvent),
		stat:   statSync(ipcsync.KindEvent),
		list:   listSync(ipcsync.KindEvent),
	},
	{
		scheme: "lead", noun: "leader", symbol: "ipcsync.Lead",
		forms:   []form{{"lead://NAME", "the leadership NAME, which one of several processes has"}},
		check:   plainName(""),
		remove:  removeSync(ipcsync.KindLeader),
		held:    holdersSync(ipcsync.KindLeader),
		lock:    &locking{open: openLeadership},
		stat:    statSync(ipcsync.KindLeader),
		list:    listSync(ipcsync.KindLeader),
		instead: map[string]string{"create": "the first process that leads creates it: ipc lock %s -- COMMAND, or ipcsync.Lead in Go"},
	},
	{
		scheme: "file", noun: "file lock", symbol: "ipcsync.FileLock",
		forms: []form{{"file:///PATH", "the file at /PATH, to be locked as by flock(1)"}},
		check: wholePath,
		lock:  &locking{shared: true, fcntl: true, open: openFileLock},
		instead: map[string]string{
			"create": "ipc lock creates the file if there is none: ipc lock %s -- COMMAND",
			"rm":     "it is a file like others; remove it as one when no process locks it",
		},
	},
	{
		scheme: "barrier", noun: "barrier", symbol: "ipcsync.Barrier",
		forms:   []form{{"barrier://NAME", "the barrier NAME, where processes wait for each other"}},
		check:   plainName(""),
		remove:  removeSync(ipcsync.KindBarrier),
		stat:    statSync(ipcsync.KindBarrier),
		list:    listSync(ipcsync.KindBarrier),
		instead: map[string]string{"create": "a Go program creates it with ipcsync.CreateBarrier"},
	},
	{
		scheme: "cond", noun: "condition", symbol: "ipcsync.Cond",
		forms:   []form{{"cond://NAME", "the condition NAME, where holders of a mutex wait for a change"}},
		check:   plainName(""),
		remove:  removeSync(ipcsync.KindCond),
		stat:    statSync(ipcsync.KindCond),
		list:    listSync(ipcsync.KindCond),
		instead: map[string]string{"create": "a Go program creates it with ipcsync.CreateCond"},
	},
}

// admitting are the flags of create for what can admit single users.
var admitting = []string{"mode", "allow"}

// fileModes are the flags of create for a file. On Windows it has the rights of its
// folder.
var fileModes = map[bool][]string{false: {"mode"}}[runtime.GOOS == "windows"]

// mechanismOf returns the mechanism of a scheme, nil if there is none.
func mechanismOf(scheme string) *mechanism {
	i := slices.IndexFunc(mechanisms, func(m *mechanism) bool { return m.scheme == scheme })
	if i < 0 {
		return nil
	}
	return mechanisms[i]
}

// vanishes reports whether an object goes with the last process that has it open.
func (m *mechanism) vanishes() bool { return m.kernel && runtime.GOOS == "windows" }

// start returns how a URL of the mechanism begins.
func (m *mechanism) start() string { return strings.TrimRight(m.forms[0].url, "NAMEPTH") }

// schemeHelp lists the forms of URL.
func schemeHelp() string {
	var b strings.Builder
	for _, m := range mechanisms {
		for _, f := range m.forms {
			fmt.Fprintf(&b, "  %-14s  %s\n", f.url, f.what)
		}
	}
	return b.String()
}
