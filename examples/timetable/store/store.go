// Package store is the process that alone opens the timetable's file, and how the other
// processes reach it.
//
// [Main] is that process: it opens the file and serves a [Service] by a named pipe. A
// [Keeper] is the other side: it keeps such a process running, and calls it.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
)

// MaxEvents is how many events one answer holds: with it the largest fits into a message
// of Chrome's native messaging, 1 MiB.
const MaxEvents = 500

// The buckets: events by id, as JSON; and what finds them by their start, as keys
// START ID. The start is what the clock on the wall shows, so that the order doesn't
// change with the rules of time zones.
var (
	eventsBucket = []byte("events")
	startsBucket = []byte("starts")
)

// Store is the open file. Its methods may be called concurrently.
type Store struct{ db *bbolt.DB }

// Open opens the file, and makes it if there is none. It fails if another process has it
// open, and if it is damaged.
func Open(file string) (*Store, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(file); err != nil {
			return nil, fmt.Errorf("make %s: %w", file, err)
		}
	case err == nil && info.Size() == 0: // create leaves none; bbolt would begin a new one in it
		return nil, fmt.Errorf("%s is empty, and was a timetable once: put a copy of it there, or remove it", file)
	}
	db, err := open(file)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return &Store{db}, nil
}

// check looks whether the file is whole, and reads every event: what is written to a damaged
// file might damage more of it. Some damage ends the process, which its keeper reports.
func check(tx *bbolt.Tx) error {
	var first error
	for err := range tx.Check() { // to the end, or its goroutine stays
		if first == nil {
			first = err
		}
	}
	events, starts := tx.Bucket(eventsBucket), tx.Bucket(startsBucket)
	if first != nil || events == nil || starts == nil {
		return first
	}
	found := 0
	err := events.ForEach(func(id, text []byte) error {
		e, err := decode(text)
		if err == nil && (e.ID != string(id) || starts.Get(startKey(e)) == nil) {
			err = fmt.Errorf("the event %q is not in its place", id)
		}
		found++
		return err
	})
	if err == nil && starts.Stats().KeyN != found {
		err = fmt.Errorf("%d events have %d places", found, starts.Stats().KeyN)
	}
	return err
}

// create makes the file under another name first: a process that is killed here leaves no
// half of a database where Open finds it.
func create(file string) error {
	unfinished := file + ".new"
	if err := os.WriteFile(unfinished, nil, 0o600); err != nil { // what a killed process left is emptied
		return err
	}
	db, err := open(unfinished)
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	if err := os.Rename(unfinished, file); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(file)); err == nil {
		dir.Sync() // the name outlasts a power failure too, where a directory can be synced
		dir.Close()
	}
	return nil
}

func open(file string) (*bbolt.DB, error) {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: 2 * time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, errors.New("another program has it open")
	case err != nil:
		return nil, err
	}
	if err := db.View(check); err != nil {
		db.Close()
		return nil, fmt.Errorf("it is damaged (%w): put a copy of it there, or remove it", err)
	}
	if err := makeBuckets(db); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// makeBuckets writes only if there is something to make: a write waits for the disk, and
// a store that was killed is to be back soon.
func makeBuckets(db *bbolt.DB) error {
	complete := false
	err := db.View(func(tx *bbolt.Tx) error {
		complete = tx.Bucket(eventsBucket) != nil && tx.Bucket(startsBucket) != nil
		return nil
	})
	if err != nil || complete {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(eventsBucket)
		if err == nil {
			_, err = tx.CreateBucketIfNotExists(startsBucket)
		}
		return err
	})
}

// Close closes the file. It waits for what is under way.
func (s *Store) Close() error { return s.db.Close() }

// Put adds an event, or replaces the one with its id. When it returns the event is on the
// disk. An event that is refused is [event.Problems].
func (s *Store) Put(e event.Event) (event.Event, error) {
	e, err := e.Check()
	if err != nil {
		return event.Event{}, err
	}
	kept := e
	kept.Starts, kept.Ends = time.Time{}, time.Time{}
	text, err := json.Marshal(kept)
	if err != nil {
		return event.Event{}, err
	}
	return e, s.db.Update(func(tx *bbolt.Tx) error {
		if err := remove(tx, e.ID); err != nil {
			return err
		}
		if err := tx.Bucket(startsBucket).Put(startKey(e), nil); err != nil {
			return err
		}
		return tx.Bucket(eventsBucket).Put([]byte(e.ID), text)
	})
}

// Delete removes an event. One that doesn't exist is removed already.
func (s *Store) Delete(id string) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return remove(tx, id) })
}

func remove(tx *bbolt.Tx, id string) error {
	text := tx.Bucket(eventsBucket).Get([]byte(id))
	if text == nil {
		return nil
	}
	before, err := decode(text)
	if err != nil {
		return err
	}
	if err := tx.Bucket(startsBucket).Delete(startKey(before)); err != nil {
		return err
	}
	return tx.Bucket(eventsBucket).Delete([]byte(id))
}

func startKey(e event.Event) []byte { return []byte(e.Start + " " + e.ID) }

// Page is the events of a time.
type Page struct {
	Events []event.Event `json:"events"` // by start, as the clocks of their zones show it
	More   bool          `json:"more"`   // there are more than MaxEvents
}

// Between returns the events of which a part lies between two instants.
func (s *Store) Between(from, to time.Time) (Page, error) {
	// An event that began MaxTime before may still last, and two days are more than any
	// two clocks on Earth differ.
	const margin = 48 * time.Hour
	from, to = event.Bound(from), event.Bound(to)
	first := from.Add(-event.MaxTime - margin).UTC().Format(event.Layout)
	last := to.Add(margin).UTC().Format(event.Layout)

	page := Page{Events: []event.Event{}}
	return page, s.db.View(func(tx *bbolt.Tx) error {
		starts := tx.Bucket(startsBucket).Cursor()
		for key, _ := starts.Seek([]byte(first)); key != nil && string(key) < last; key, _ = starts.Next() {
			id := key[len(event.Layout)+1:]
			e, err := decode(tx.Bucket(eventsBucket).Get(id))
			switch {
			case err != nil:
				return err
			case !e.Starts.Before(to) || !e.Ends.After(from):
				continue
			case len(page.Events) == MaxEvents:
				page.More = true
				return nil
			}
			page.Events = append(page.Events, e)
		}
		return nil
	})
}

func decode(text []byte) (event.Event, error) {
	var e event.Event
	if err := json.Unmarshal(text, &e); err != nil {
		return e, fmt.Errorf("the file holds what is no event: %w", err)
	}
	return e.Place(), nil
}
