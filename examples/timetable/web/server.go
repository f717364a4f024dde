// Package web serves the timetable's page on loopback.
//
// The page can't touch files, and other pages must not touch the timetable: see [Server].
package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
	"github.com/breezeway-ipc/breezeway/examples/timetable/store"
)

const (
	bodyTime  = 10 * time.Second // for the body of a request to arrive
	storeTime = 10 * time.Second // for the store to answer, a restart included
	maxBody   = 16 << 10         // bytes of an event
	endTime   = 3 * time.Second  // for answers that are under way when the server ends

	refusedTime = time.Second // for the rest of a request that is refused
)

//go:embed page
var files embed.FS

// Store is what the server needs of [store.Keeper].
type Store interface {
	Put(context.Context, event.Event) (event.Event, error)
	Delete(ctx context.Context, id string) error
	Between(ctx context.Context, from, to time.Time) (store.Page, error)
	State() (store.State, <-chan struct{})
}

// Server serves the page and what it asks for. It listens on loopback, answers only under
// a path that begins with a random token, and only requests that name it in Host, and
// itself, if any, in Origin.
type Server struct {
	store    Store
	listener net.Listener
	token    string
}

// Listen prepares to serve at an address, which is one of loopback: 127.0.0.1:0 takes a
// free port.
func Listen(address string, s Store) (*Server, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if !at.IP.IsLoopback() {
		return nil, fmt.Errorf("%s is no address of loopback, such as 127.0.0.1:8080: the timetable is for this machine alone", address)
	}
	l, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil, err
	}
	return &Server{store: s, listener: l, token: newToken()}, nil
}

// URL returns where the page is. Every program that knows it may read and change the timetable.
func (s *Server) URL() string {
	return "http://" + s.host() + "/" + s.token + "/"
}

// host returns the address as browsers write it.
func (s *Server) host() string { return strings.TrimSuffix(s.listener.Addr().String(), ":80") }

// Serve serves until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	if server.Shutdown(ending) != nil {
		return server.Close()
	}
	return nil
}

// handler answers: the page's files, and
//
//	GET    TOKEN/events?from=INSTANT&to=INSTANT   a store.Page
//	PUT    TOKEN/events/ID                        an event, which is added or replaced
//	DELETE TOKEN/events/ID
//	GET    TOKEN/state                            a stream of store.State
//
// What is refused is 422 and event.Problems; what the store did not do in time is 503.
func (s *Server) handler() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /events", s.between)
	mux.HandleFunc("PUT /events/{id}", s.put)
	mux.HandleFunc("DELETE /events/{id}", s.delete)
	mux.HandleFunc("GET /state", s.state)
	return s.guard(mux)
}

func (s *Server) between(w http.ResponseWriter, r *http.Request) {
	from, err := time.Parse(time.RFC3339, r.FormValue("from"))
	if err == nil {
		var to time.Time
		if to, err = time.Parse(time.RFC3339, r.FormValue("to")); err == nil {
			s.ask(w, r, func(ctx context.Context) (any, error) { return s.store.Between(ctx, from, to) })
			return
		}
	}
	http.Error(w, "from and to are to be instants", http.StatusBadRequest)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	var e event.Event
	text, err := readBody(w, r)
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		http.Error(w, "the body is to be an event of at most 16 KiB", http.StatusBadRequest)
		return
	}
	e.ID = r.PathValue("id")
	s.ask(w, r, func(ctx context.Context) (any, error) {
		if _, err := e.Check(); err != nil {
			return nil, err // without the store, which may be away
		}
		return s.store.Put(ctx, e)
	})
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	conn := http.NewResponseController(w)
	if err := conn.SetReadDeadline(time.Now().Add(bodyTime)); err != nil {
		return nil, err
	}
	defer conn.SetReadDeadline(time.Time{}) // it would end the wait for the store, too
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	s.ask(w, r, func(ctx context.Context) (any, error) { return nil, s.store.Delete(ctx, r.PathValue("id")) })
}

// ask answers a request with what f gets from the store.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, f func(context.Context) (any, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	answer, err := f(ctx)
	var problems event.Problems
	switch {
	case err == nil:
		reply(w, http.StatusOK, answer)
	case errors.As(err, &problems):
		reply(w, http.StatusUnprocessableEntity, problems)
	case ctx.Err() != nil:
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v) // it fails if the page has gone
}

// state sends the store's state, and again whenever it changes, as server-sent events.
func (s *Server) state(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		state, changed := s.store.State()
		text, err := json.Marshal(state)
		if err != nil {
			panic(err) // a struct of strings and numbers
		}
		if _, err := fmt.Fprintf(w, "retry: 500\ndata: %s\n\n", text); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
