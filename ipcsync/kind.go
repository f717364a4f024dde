package ipcsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Kind is a kind of object that has a name, as [Remove], [List] and [Stat] take it.
type Kind string

// The kinds. Their values are the command's URL schemes.
const (
	KindMutex     Kind = "mutex"
	KindRWMutex   Kind = "rwmutex"
	KindSemaphore Kind = "sem"
	KindEvent     Kind = "event"
	KindBarrier   Kind = "barrier"
	KindCond      Kind = "cond"
	KindLeader    Kind = "lead"

	// A FileLock is found by its path.
	fileLockKind Kind = "filelock"
)

// kindWords is how a kind is named.
type kindWords struct {
	what     string // in messages
	function string // at the end of its functions' names
	file     string // in its file's name bw.KIND.NAME

	// What Remove changes in the head of an object of our own layout; see
	// robust.Layout.
	removed uint64
	gates   []int

	// What the command can do.
	creatable bool   // ipc create takes it
	flags     string // that ipc create needs
	removable bool   // ipc rm takes it
}

// removedBit is the bit that Remove sets in the first word of an event, a barrier and a
// condition. The rest of the word never counts up to it.
const removedBit = 1 << 63

var kindTable = map[Kind]kindWords{
	KindMutex:     {"mutex", "Mutex", "mutex", robust.Removed, []int{8}, true, "", true},
	KindRWMutex:   {"read-write lock", "RWMutex", "rwmutex", robust.Removed, []int{8, 12, 16}, true, "", true},
	KindSemaphore: {"semaphore", "Semaphore", "sem", 0, nil, true, " --value PERMITS", true}, // glibc's
	KindEvent:     {"event", "Event", "event", removedBit, []int{8}, true, "", true},
	KindBarrier:   {"barrier", "Barrier", "barrier", removedBit, []int{12}, false, "", true},
	KindCond:      {"condition", "Cond", "cond", removedBit, []int{8}, false, "", true},
	KindLeader:    {"leadership", "Leader", "leader", robust.Removed, []int{8}, false, "", true},
	fileLockKind:  {"file lock", "FileLock", "filelock", 0, nil, false, "", false},
}

func (k Kind) what() string { return kindTable[k].what }

// layout returns the layout of an object of our own. Its head is one cache line.
func (k Kind) layout(slots int) robust.Layout {
	w := kindTable[k]
	return robust.Layout{Kind: w.file, Version: layoutVersion, Slots: slots, Removed: w.removed, Gates: w.gates}
}

// layoutVersion is the same for all kinds.
const layoutVersion = 3

// Size is how many bytes an object of our own layout takes in a [Place] if
// Config.Slots is 0.
const Size = 8192

// advice returns what to do about the errors that every kind has.
func (k Kind) advice() fail.Advice {
	w := kindTable[k]
	a := fail.Advice{
		What:   w.what,
		Create: "ipcsync.Create" + w.function,
		Open:   "ipcsync.Open" + w.function,
		Remove: "ipcsync.Remove",

		Scheme:      string(k),
		Creatable:   w.creatable,
		CreateFlags: w.flags,
		Removable:   w.removable,
	}
	if k == KindLeader {
		a.Create, a.Open = "ipcsync.Lead", "ipcsync.Lead"
	}
	if k.isKernels() {
		a.Remove, a.Removable = "", false // it goes with its last handle
	}
	return a
}

// fail makes the error of an operation on the object name.
func (k Kind) fail(op, name string, err error) error {
	return fail.With(op, string(k), name, err)
}

// openAs checks cfg and name, and has open create or open the object.
func openAs[T any](kind Kind, mode robust.OpenMode, name string, cfg *Config, open func(*settings) (*T, error)) (*T, error) {
	s, err := cfg.settings(kind)
	if err == nil {
		err = s.locate(mode, name)
	}
	var o *T
	if err == nil {
		o, err = open(&s)
	}
	if err == nil {
		return o, nil
	}
	if s.At.isSet() {
		return nil, kind.fail(mode.Op(), robust.Place(s.At).String(), err)
	}
	return nil, kind.fail(mode.Op(), name, kind.advice().Explain(mode.Op(), name, err))
}

// check fails for what is not a kind of objects with names.
func (k Kind) check() error {
	if _, known := kindTable[k]; !known || k == fileLockKind {
		return fmt.Errorf("ipcsync has no kind %q; the kinds are ipcsync.KindMutex and so on (%w)", string(k), os.ErrInvalid)
	}
	return nil
}

// Remove removes the object name of a kind, whatever the version of its layout. It
// fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if this
// user may not remove it, and with [breezeway.ErrMismatch] if the name is that of
// something else than a regular file.
//
// Processes that have the object open can close it, but not use it any more: waits and
// every later Lock, Wait, Set and the like fail with [breezeway.ErrRemoved], within 10 ms
// and before the name is free. A process that holds a lock keeps it until it unlocks;
// until then a process that has created the name anew may hold the new lock at the same
// time. The Unlock succeeds, and returns [breezeway.ErrRemoved].
//
// A process that is killed in Remove leaves the object whole, removed, or marked as
// removed: then Open finds none, and Create, OpenOrCreate and Remove finish the removal.
//
// Three sorts of objects are removed as if by rm(1): semaphores, whose layout is glibc's;
// objects of another version; and objects of a user that Config.Trust doesn't name, which
// only the superuser can remove. Processes that have one of these open go on using
// it, and with it others that have it open, while the name may be created anew. Only
// waits end, within a second, with [breezeway.ErrRemoved].
//
// On Windows mutexes, semaphores and events, which are the kernel's, go with their
// last handle: Remove fails with [errors.ErrUnsupported]. The other kinds can't be
// removed while a process has them open: [os.ErrPermission].
func Remove(kind Kind, name string, cfg *Config) error {
	s, err := kind.settings(cfg)
	if err == nil {
		err = breezeway.CheckName(name)
	}
	if err == nil {
		err = kind.remove(name, &s)
	}
	if err != nil {
		return kind.fail(breezeway.OpRemove, name, kind.advice().Explain(breezeway.OpRemove, name, err))
	}
	return nil
}

// List returns the names of the objects of a kind, sorted, of any layout and any
// user. It opens none of them.
//
// On Windows mutexes, semaphores and events are the kernel's. List returns those of all
// programs in the namespace of Config.Scope, except what mutexes of this package have
// beside them, and those whose names no object can have here.
func List(kind Kind, cfg *Config) ([]string, error) {
	s, err := kind.settings(cfg)
	var names []string
	if err == nil {
		names, err = kind.list(&s)
	}
	return names, kind.fail(breezeway.OpList, "", err)
}

// settings checks the Config of Remove, List and Stat.
func (k Kind) settings(cfg *Config) (settings, error) {
	if err := k.check(); err != nil {
		return settings{}, err
	}
	s, err := cfg.settings(k)
	if err == nil && s.At.isSet() {
		err = fmt.Errorf("%s is for objects without a name; open it and call its Stats (%w)", fail.Go("Config.At"), os.ErrInvalid)
	}
	return s, err
}

// observable is what Stat opens.
type observable interface {
	Stats() (Stats, error)
	Close() error
}

// Stat returns what [Mutex.Stats] and the like return, of an object that this
// process needn't have open. It changes nothing: it takes no slot, so that it works
// for an object that is open as often as it can be, and it takes over nothing from a
// process that died. It tells which processes hold the permits of a semaphore if
// these are tracked, without Config.Track. It needs the same rights as Open, and
// fails as the kind's Open does. With [os.ErrPermission] and [breezeway.ErrMismatch] it
// tells Owner and Mode all the same; the numbers are -1.
func Stat(kind Kind, name string, cfg *Config) (Stats, error) {
	s, err := kind.settings(cfg)
	if err == nil {
		err = breezeway.CheckName(name)
	}
	var o observable
	if err == nil {
		s.observe = true
		o, err = observers[kind](name, &s)
	}
	if err != nil {
		st := Stats{Value: -1, Max: -1, Holders: -1, Open: -1, Waiters: -1, Recoveries: -1}
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, breezeway.ErrMismatch) {
			st.setRights(kind, name, &s)
		}
		return st, kind.fail(breezeway.OpStat, name, kind.advice().Explain(breezeway.OpStat, name, err))
	}
	st, err := o.Stats()
	o.Close() // so that it doesn't count
	if err == nil {
		st.Open = kind.opens(name, &s)
		st.setRights(kind, name, &s)
	}
	return st, err
}

// setRights sets Owner, Mode and SDDL as far as they can be learned.
func (st *Stats) setRights(k Kind, name string, s *settings) {
	if k.isKernels() {
		st.Owner, st.SDDL = k.kernelsRights(name, s)
		return
	}
	path, err := k.path(name, s)
	if err != nil {
		return
	}
	if info, err := object.Stat(path, name); err == nil {
		st.Owner, st.Mode = info.Owner, info.Mode
	}
}

var observers = map[Kind]func(string, *settings) (observable, error){
	KindMutex:     observer(newMutex),
	KindRWMutex:   observer(newRWMutex),
	KindSemaphore: observer(newSemaphoreToObserve),
	KindEvent:     observer(newEvent),
	KindBarrier:   observer(newBarrierToObserve),
	KindCond:      observer(newCond),
	KindLeader:    observer(newLeadership),
}

func observer[T observable](open func(robust.OpenMode, string, *settings) (T, error)) func(string, *settings) (observable, error) {
	return func(name string, s *settings) (observable, error) {
		o, err := open(robust.Open, name, s)
		if err != nil {
			return nil, err // not a nil T
		}
		return o, nil
	}
}

// Stats is the state of an object a moment ago. A number that is not known, or that
// the kind doesn't have, is -1 or 0.
type Stats struct {
	// Value is how many permits a semaphore has left. It is 1 for a set event, a
	// lock that is free, a leadership without a leader, and a barrier that is not
	// broken. Otherwise it is 0, also for a lock whose holder died and that no
	// process has taken since.
	Value int `json:"value"`
	// Max is how many permits a semaphore can have, and how many parties a
	// barrier has; otherwise -1.
	Max int `json:"max"`
	// Holders is how many permits of a tracked semaphore are held, or how many
	// living readers and writers hold a lock; -1 for a semaphore that is not
	// tracked.
	Holders int `json:"holders"`
	// PIDs are the processes that hold it, as far as they are known. They are for
	// information only: a number may be another process's by now.
	PIDs []int `json:"pids,omitempty"`
	// Waiters is how many goroutines wait, or -1. Of a semaphore in glibc's layout
	// that is not tracked it is an upper bound; see [Semaphore.Stats].
	Waiters int `json:"waiters"`
	// Recoveries is how often something was taken back from a process that died
	// holding it.
	Recoveries int64 `json:"recoveries"`
	// Recovered says that the next holder of the lock is Recovered: a holder died,
	// and no later one has marked the lock as consistent.
	Recovered bool `json:"recovered,omitempty"`

	// Open is how many times processes have it open, or -1, as for a semaphore in glibc's
	// layout. On Windows it is how many handles of a mutex, a semaphore or an event there
	// are, and -1 for the other kinds. It is 0 from other methods than [Stat].
	Open int `json:"open"`

	// Owner and Mode are those of the object: the uid, or on Windows the SID, and the
	// permission bits of its file. They are "" and 0 if they can't be learned, and from
	// other methods than [Stat]. The kernel's objects of Windows have no Mode.
	Owner string      `json:"owner,omitempty"`
	Mode  fs.FileMode `json:"-"`
	// SDDL is the access control list of one of the kernel's objects of Windows; from
	// [Stat] alone.
	SDDL string `json:"sddl,omitempty"`
}
