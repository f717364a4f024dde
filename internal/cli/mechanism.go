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
	"github.com/breezeway-ipc/breezeway/shmnet"
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

	create   *creation
	stream   *streaming
	receive  func(ctx context.Context, r *receiver) (*source, error) // waits until there is something to receive from
	connects bool                                                    // it has connections, of package endpoint: there are options, and calls
	queue    *queueing
	memory   func(t target, r accessRule, readOnly bool) (*memory, error)
	lock     *locking
	permits  func(t target, r accessRule, track bool) (permits, error)
	signal   func(t target, r accessRule) (settable, error)
	await    func(t target, r accessRule) (awaitable, error)
	remove   func(t target, r accessRule) error
	held     func(t target, r accessRule) (ipcsync.Stats, error) // rm asks which processes hold it
	// stat returns what is known of an object, with an error too.
	stat func(t target, r accessRule) (*state, error)
	// list returns the objects that exist. It takes the beginning of the names that are
	// wanted, and may return others too. If byDirectory is set, they are paths, and it
	// takes the directory.
	list        func(start string) ([]found, error)
	byDirectory bool
	// directory returns the objects in a directory, for a mechanism whose list has those
	// with names.
	directory func(dir string) ([]found, error)
	projects  bool // --project means something for one at a path

	// instead says for a verb that the mechanism lacks what to do instead, where
	// that is more than to use another verb. %s is the URL.
	instead map[string]string
}

// found is an object that exists. Its state is nil if the list doesn't tell it.
type found struct {
	name  string
	state *state
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
	socket bool // there are no messages
	serve  func(ctx context.Context, s *server, cfg *pipe.Config) error
	dial   func(ctx context.Context, s *client, cfg *pipe.Config) (*destination, error)
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
		check:    nameOrPath,
		stream:   &streaming{serve: pipeConns.serve, dial: pipeConns.send},
		receive:  pipeConns.receive,
		connects: true,
		stat:     statServed(pipe.Stat),
		list:     listServed("pipe", pipe.List),
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
		instead: map[string]string{"receive": "it has no server, and this reads it: ipc serve %s"},
	},
	{
		scheme: "unix", noun: "Unix socket", symbol: "socket.Listen",
		forms: []form{
			{"unix:///PATH", "the Unix socket at /PATH (Unix)"},
			{"unix://@NAME", "the abstract Unix socket NAME (Linux)"},
		},
		check:    socketName,
		stream:   &streaming{socket: true, serve: sockets.serve, dial: sockets.send},
		receive:  sockets.receive,
		connects: true,
		instead: map[string]string{
			"create": "it exists as long as a process serves it: ipc serve %s",
			"rm":     "it goes with the process that serves it; the next `ipc serve %s` replaces what a killed one left",
		},
	},
	{
		scheme: "tcp", noun: "TCP socket", symbol: "socket.Listen",
		forms:    []form{{"tcp://HOST:PORT", "the TCP socket at HOST:PORT, unprotected"}},
		check:    plainName("a TCP socket is tcp://HOST:PORT"),
		stream:   &streaming{socket: true, serve: sockets.serve, dial: sockets.send},
		receive:  sockets.receive,
		connects: true,
		instead: map[string]string{
			"create": "it exists as long as a process serves it: ipc serve %s",
			"rm":     "it goes with the process that serves it",
		},
	},
	{
		scheme: "tls", noun: "TLS socket", symbol: "socket.Listen",
		forms:    []form{{"tls://HOST:PORT", "the same with a certificate at both ends"}},
		check:    plainName("a TLS socket is tls://HOST:PORT"),
		stream:   &streaming{socket: true, serve: sockets.serve, dial: sockets.send},
		receive:  sockets.receive,
		connects: true,
		instead: map[string]string{
			"create": "it exists as long as a process serves it: ipc serve %s",
			"rm":     "it goes with the process that serves it",
		},
	},
	{
		scheme: "shmnet", noun: "connection through shared memory", symbol: "shmnet.Listen",
		forms: []form{
			{"shmnet://NAME", "the server NAME, to which bytes travel through shared memory"},
			{"shmnet:///PATH", "the same with the socket at /PATH (Unix)"},
		},
		check:    nameOrPath,
		stream:   &streaming{socket: true, serve: memories.serve, dial: memories.send},
		receive:  memories.receive,
		connects: true,
		stat:     statServed(shmnet.Stat),
		list:     listServed("shmnet", shmnet.List),
		instead: map[string]string{
			"create": "it exists as long as a process serves it: ipc serve %s",
			"rm":     "it goes with the process that serves it; the next `ipc serve %s` replaces what a killed one left",
		},
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
		instead: map[string]string{"create": "a Go program creates it"},
	},
	{
		scheme: "latest", noun: "latest value", symbol: "shm.OpenOrCreateLatest",
		forms:   []form{{"latest://NAME", "the value NAME that one process replaces again and again"}},
		check:   plainName(""),
		remove:  removeMemory(shm.KindLatest),
		stat:    statMemory(shm.KindLatest),
		list:    listMemory(shm.KindLatest),
		instead: map[string]string{"create": "a Go program creates it"},
	},
	{
		scheme: "mmap", noun: "mapped file", symbol: "mmap.Map",
		forms:  []form{{"mmap:///PATH", "the file at /PATH, mapped into memory"}},
		check:  wholePath,
		create: &creation{needs: []string{"size"}, takes: fileModes, make: createFile},
		memory: openFile,
		remove: removeFile,
		stat:   statMappedFile,
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
		await:  awaitEvent,
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
		instead: map[string]string{"create": "the first process that leads creates it: ipc lock %s -- COMMAND"},
	},
	{
		scheme: "file", noun: "file lock", symbol: "ipcsync.FileLock",
		forms: []form{{"file:///PATH", "the file at /PATH, to be locked as by flock(1)"}},
		check: wholePath,
		lock:  &locking{shared: true, fcntl: true, open: openFileLock},
		stat:  statFileLock,
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
		instead: map[string]string{"create": "a Go program creates it"},
	},
	{
		scheme: "cond", noun: "condition", symbol: "ipcsync.Cond",
		forms:   []form{{"cond://NAME", "the condition NAME, where holders of a mutex wait for a change"}},
		check:   plainName(""),
		remove:  removeSync(ipcsync.KindCond),
		stat:    statSync(ipcsync.KindCond),
		list:    listSync(ipcsync.KindCond),
		instead: map[string]string{"create": "a Go program creates it"},
	},
	{
		scheme: "mq", noun: "message queue", symbol: "mq.OpenOrCreate",
		forms: []form{
			{"mq://NAME", "the message queue NAME"},
			{"mq:///PATH", "the durable message queue whose file is at /PATH"},
		},
		check:  nameOrPath,
		create: &creation{takes: append(ofQueues, admitting...), make: createQueue},
		queue:  &queueing{takes: []string{"priority", "ttl", "id", "lease", "exec"}, open: openQueue},
		await:  awaitQueue,
		remove: removeQueue,
		stat:   statQueue,
		list:   listQueues, directory: listDurableQueues,
	},
	{
		scheme: "mq+posix", noun: "POSIX queue", symbol: "mq.OpenPOSIX",
		forms:  []form{{"mq+posix://NAME", "the kernel's queue NAME, as C and Python know it (Linux)"}},
		check:  plainName("mq_open's /NAME is mq+posix://NAME"),
		create: &creation{takes: []string{"capacity", "max-message", "mode"}, make: createPOSIXQueue},
		queue:  &queueing{takes: []string{"priority"}, open: openPOSIXQueue},
		remove: removePOSIXQueue,
		stat:   statKernelQueue(openPOSIXQueue, listPOSIXQueues),
		list:   listPOSIXQueues,
	},
	{
		scheme: "mq+sysv", noun: "System V queue", symbol: "mq.OpenSystemV",
		forms: []form{
			{"mq+sysv://NAME", "the kernel's queue with the key NAME, such as 0x5a01 (Linux)"},
			{"mq+sysv:///PATH", "the same with the key ftok(PATH, 1), or of another --project"},
		},
		check:  nameOrPath,
		create: &creation{takes: []string{"capacity-bytes", "mode"}, make: createSystemVQueue},
		queue:  &queueing{takes: []string{"type"}, open: openSystemVQueue}, projects: true,
		remove: removeSystemVQueue,
		stat:   statKernelQueue(openSystemVQueue, listSystemVQueues),
		list:   listSystemVQueues,
	},
	{
		scheme: "ring", noun: "ring", symbol: "ring.Create",
		forms:  []form{{"ring://NAME", "the ring NAME, of messages in shared memory"}},
		check:  plainName(""),
		create: &creation{takes: append([]string{"capacity-bytes", "shape", "slow", "receivers"}, admitting...), make: createRing},
		queue:  &queueing{open: openRing},
		await:  awaitRing,
		remove: removeRing,
		stat:   statRing,
		list:   listRings,
	},
}

// ofQueues are the flags of create for a portable queue.
var ofQueues = []string{"capacity", "capacity-bytes", "max-message", "full", "lease-timeout", "max-deliveries", "dead-letter", "sync"}

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

// under returns the objects whose names begin with start, or the objects in the directory
// that start is, and says which.
func (m *mechanism) under(start string) (all []found, byDirectory bool, err error) {
	if t := (target{mechanism: m, name: start}); m.directory != nil && t.isRooted() {
		all, err = m.directory(t.path())
		return all, true, err
	}
	all, err = m.list(start)
	return all, m.byDirectory, err
}

// start returns how a URL of the mechanism begins.
func (m *mechanism) start() string { return strings.TrimRight(m.forms[0].url, "NAMEPTHOSR:") }

// schemeHelp lists the forms of URL of some mechanisms.
func schemeHelp(some []*mechanism) string {
	var b strings.Builder
	for _, m := range some {
		b.WriteString(formHelp(m.forms))
	}
	return b.String()
}

func formHelp(forms []form) string {
	var b strings.Builder
	for _, f := range forms {
		fmt.Fprintf(&b, "  %-15s  %s\n", localPaths.Replace(f.url), localPaths.Replace(f.what))
	}
	return b.String()
}
