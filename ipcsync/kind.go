package ipcsync

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
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

// kindWords is how a kind is called.
type kindWords struct {
	what     string // by people
	function string // what its functions end in
	file     string // KIND of its file bw.KIND.NAME, and of its errors
	command  bool   // whether the command has verbs for it
}

var kindTable = map[Kind]kindWords{
	KindMutex:     {"mutex", "Mutex", "mutex", true},
	KindRWMutex:   {"read-write lock", "RWMutex", "rwmutex", true},
	KindSemaphore: {"semaphore", "Semaphore", "sem", true},
	KindEvent:     {"event", "Event", "event", true},
	KindBarrier:   {"barrier", "Barrier", "barrier", true},
	KindCond:      {"condition", "Cond", "cond", true},
	KindLeader:    {"leadership", "Leader", "leader", true},
	fileLockKind:  {"file lock", "FileLock", "filelock", false},
}

func (k Kind) what() string { return kindTable[k].what }

// layout is that of an object of our own whose head is one cache line.
func (k Kind) layout(slots int) robust.Layout {
	return robust.Layout{Kind: kindTable[k].file, Version: layoutVersion, Slots: slots}
}

// layoutVersion is that of all kinds.
const layoutVersion = 2

// Size is how many bytes an object of our own layout with the default number of
// slots takes in a [Place].
const Size = 64 + 64 + robust.DefaultSlots*16

// advice is what to do about the errors that every kind has.
func (k Kind) advice() fail.Advice {
	w := kindTable[k]
	a := fail.Advice{
		What:   w.what,
		Create: "ipcsync.Create" + w.function,
		Open:   "ipcsync.Open" + w.function,
		Remove: "ipcsync.Remove",
	}
	if k == KindLeader {
		a.Create, a.Open = "ipcsync.Lead", "ipcsync.Lead"
	}
	if w.command {
		a.Scheme = string(k)
	}
	if k.isKernels() {
		a.Remove = "" // it goes with its last handle
	}
	return a
}

// fail makes the error of an operation on the object name.
func (k Kind) fail(op, name string, err error) error {
	return fail.With(op, kindTable[k].file, name, err)
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
	return nil, kind.fail(mode.Op(), name, kind.advice().Explain(err, name))
}

// check fails for what is no kind with names.
func (k Kind) check() error {
	if _, known := kindTable[k]; !known || k == fileLockKind {
		return fmt.Errorf("ipcsync has no kind %q; the kinds are ipcsync.KindMutex and so on (%w)", string(k), os.ErrInvalid)
	}
	return nil
}

// Remove removes the object name of a kind, whatever the version of its layout. It
// fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if this
// user may not remove it, and with [breezeway.ErrMismatch] if what has the name is
// not a file.
//
// Processes that have it open keep it, but those that wait for it get
// [breezeway.ErrRemoved] within a second. A process that holds a lock keeps it
// until it unlocks; the next process that makes the name has another lock.
//
// On Windows the system's own objects (mutexes, semaphores, events) go with their
// last handle: [errors.ErrUnsupported]. The others can't be removed there while a
// process has them open: [os.ErrPermission].
func Remove(kind Kind, name string, cfg *Config) error {
	s, err := kind.settings(cfg)
	if err == nil {
		err = breezeway.CheckName(name)
	}
	if err == nil {
		err = kind.remove(name, &s)
	}
	if err != nil {
		return kind.fail(breezeway.OpRemove, name, kind.advice().Explain(err, name))
	}
	return nil
}

// List returns the names of the objects of a kind, sorted. It opens none of them.
// On Windows the system's own objects can't be listed: [errors.ErrUnsupported].
func List(kind Kind, cfg *Config) ([]string, error) {
	s, err := kind.settings(cfg)
	var names []string
	if err == nil {
		names, err = kind.list(&s)
	}
	return names, kind.fail(breezeway.OpList, "", err)
}

// settings are those of Remove, List and Stat.
func (k Kind) settings(cfg *Config) (settings, error) {
	if err := k.check(); err != nil {
		return settings{}, err
	}
	s, err := cfg.settings(k)
	if err == nil && s.At.isSet() {
		err = fmt.Errorf("Config.At is for objects without a name; open it and call its Stats (%w)", os.ErrInvalid)
	}
	return s, err
}

// observable is what Stat opens.
type observable interface {
	Stats() (Stats, error)
	Close() error
}

// Stat tells what [Mutex.Stats] and so on tell, without opening the object for use:
// it takes no slot, so that it works for an object that is open as often as can
// be. It fails as the kind's Open does.
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
		return Stats{}, kind.fail(breezeway.OpStat, name, kind.advice().Explain(err, name))
	}
	defer o.Close()
	return o.Stats()
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
