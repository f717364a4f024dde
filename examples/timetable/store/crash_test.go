package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestNothingConfirmedIsLost kills the store at random while several callers add, change
// and delete events. Whatever was confirmed is there afterwards, once.
func TestNothingConfirmedIsLost(t *testing.T) {
	const callers = 4
	kills := ipctest.Count(200)
	k := keep(t, newFile(t))
	ctx, stop := context.WithCancel(background)
	defer stop()

	confirmed := make([]map[string]string, callers) // the name by the id
	var entering sync.WaitGroup
	for c := range callers {
		confirmed[c] = map[string]string{}
		entering.Go(func() { enter(ctx, t, k, c, confirmed[c]) })
	}
	for range kills {
		state := await(t, k, running)
		time.Sleep(rand.N(150 * time.Millisecond)) // the moment is what the test varies
		kill(t, state.PID)
		await(t, k, func(s State) bool { return s.Starts > state.Starts && running(s) })
	}
	stop()
	entering.Wait()

	total := 0
	for _, events := range confirmed {
		total += len(events)
	}
	t.Logf("%d events stayed through %d kills", total, kills)
	if total < kills {
		t.Errorf("only %d events were entered", total)
	}
	compare(t, k, confirmed)
}

// enter adds events until ctx ends, changes every second one and deletes every third one.
// What may have been done or not when ctx ended is left out of confirmed.
func enter(ctx context.Context, t *testing.T, k *Keeper, caller int, confirmed map[string]string) {
	for i := 0; ; i++ {
		e := lesson(caller*10_000 + i)
		delete(confirmed, e.ID)
		if _, err := k.Put(ctx, e); err != nil {
			break
		}
		if i%2 == 0 {
			e.Name = fmt.Sprint("changed ", i)
			if _, err := k.Put(ctx, e); err != nil {
				break
			}
		}
		if i%3 != 0 {
			confirmed[e.ID] = e.Name
		} else if err := k.Delete(ctx, e.ID); err != nil {
			break
		}
	}
	if ctx.Err() == nil {
		t.Errorf("caller %d gave up while it was to go on", caller)
	}
}

// compare checks that the store has the confirmed events, and besides them at most one for
// each caller: the one that was not answered.
func compare(t *testing.T, k *Keeper, confirmed []map[string]string) {
	t.Helper()
	stored := map[string]string{}
	start := at("2026-11-23T00:00:00Z")
	for from := start; from.Before(start.AddDate(0, 0, 60)); from = from.Add(time.Hour) {
		page, err := k.Between(background, from, from.Add(time.Hour))
		if err != nil || page.More {
			t.Fatalf("%v; more than one answer: %v", err, page.More)
		}
		for _, e := range page.Events {
			stored[e.ID] = e.Name
		}
	}
	extra := len(stored)
	for _, events := range confirmed {
		for id, name := range events {
			if stored[id] != name {
				t.Errorf("%s is %q, confirmed was %q", id, stored[id], name)
			}
			extra--
		}
	}
	if extra > len(confirmed) {
		t.Errorf("%d events more than were confirmed", extra)
	}
}

// TestStoreEndsWithItsKeeper kills the process that started the store.
func TestStoreEndsWithItsKeeper(t *testing.T) {
	file := newFile(t)
	p := ipctest.Start(t, keeping, file)
	first := p.Hear()
	p.Kill()

	// The file can be opened by the next one at once.
	k := keep(t, file)
	put(t, k, lesson(1))
	if second := await(t, k, running); fmt.Sprint(second.PID) == first {
		t.Error("the store of the killed process serves on")
	}
}

var keeping = ipctest.Helper("keeping", func(c *ipctest.Control) error {
	k, err := Keep(c.Args[0], quiet)
	if err != nil {
		return err
	}
	c.AtEnd(func() { k.Close() })
	for {
		state, changed := k.State()
		if running(state) {
			c.Say("%d", state.PID)
			c.Hear()
			return nil
		}
		<-changed
	}
})
