package worker

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sync"
)

// server is the worker's side of a link: it calls one function at a time.
type server struct {
	link  link
	in    frames
	out   []byte
	ended chan int // the exit code

	number    uint64        // of calls that have come
	functions []function    // as of the last time that one was missing
	contexts  []callContext // for the next calls: making them singly takes longer

	mu        sync.Mutex
	call      uint64       // the present one
	ctx       *callContext // its context; nil between calls
	cancelled uint64       // the call that was cancelled last, also one that hasn't arrived yet
	cause     int32        // why: a state of its context
	retiring  bool
}

// serve answers calls until the connection ends.
func (s *server) serve() {
	if s.number == 0 {
		if err := s.reply(statusHello, 0, append(s.begin(), greeting()...)); err != nil {
			s.ended <- 1
			return
		}
	}
	for {
		h, body, err := s.in.next()
		if err != nil {
			s.end(s.exitCode())
			return
		}
		if err := s.answer(h, body); err != nil {
			s.end(1)
			return
		}
		s.in.shrink()
		if s.leave() {
			s.end(0)
			return
		}
	}
}

// end closes what functions keep, and ends the process.
func (s *server) end(code int) {
	for _, f := range defined() {
		if err := f.close(); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
		}
	}
	s.ended <- code
}

// begin returns the reply's beginning, without a header yet.
func (s *server) begin() []byte {
	if cap(s.out) < headerSize || cap(s.out) > 16*smallFrame {
		s.out = make([]byte, headerSize, smallFrame)
	}
	return s.out[:headerSize]
}

// exitCode is that of a process whose connection has ended.
func (s *server) exitCode() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retiring {
		return 0
	}
	return 1
}

func (s *server) reply(status uint16, call uint64, frame []byte) error {
	frame, err := finishFrame(frame, 0, status, call)
	if err != nil {
		frame, _ = finishFrame(append(frame[:headerSize], err.Error()...), 0, statusRefused, call)
	}
	s.out = frame
	_, err = s.link.data.Write(frame)
	return err
}

// answer calls the function of a frame and replies.
func (s *server) answer(h header, body []byte) error {
	call := s.number + 1
	if h.call != uint16(call) {
		return errGarbled("a call has another number")
	}
	s.number = call
	ctx := s.enter(call)
	s.link.ledger.take(call)
	f := s.function(h.what &^ batchBit)
	if f == nil {
		return s.reply(statusRefused, call, append(s.begin(), "no such function"...))
	}
	returned := false
	defer func() {
		if v := recover(); v != nil {
			panic(v) // the process dies, with the function in the trace
		}
		if !returned {
			s.exited(call, ctx)
		}
	}()
	status, frame := uint16(0), []byte(nil)
	if h.what&batchBit != 0 {
		status, frame = f.callBatch(ctx, body, s.begin())
	} else {
		status, frame = f.call(ctx, body, s.begin())
	}
	returned = true
	ctx.cancel(contextCanceled)
	return s.reply(status, call, frame)
}

// function returns a function, or nil.
func (s *server) function(index uint16) function {
	if int(index) >= len(s.functions) {
		s.functions = defined()
	}
	if int(index) >= len(s.functions) {
		return nil
	}
	return s.functions[index]
}

// exited goes on after a function that called runtime.Goexit.
func (s *server) exited(call uint64, ctx *callContext) {
	ctx.cancel(contextCanceled)
	if err := s.reply(statusGone, call, s.begin()); err != nil {
		s.end(1)
		return
	}
	if s.leave() {
		s.end(0)
		return
	}
	go s.serve()
}

// enter notes that a call begins, which may have been cancelled already.
func (s *server) enter(call uint64) *callContext {
	if len(s.contexts) == 0 {
		s.contexts = make([]callContext, 64)
	}
	ctx := &s.contexts[0]
	s.contexts = s.contexts[1:]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call, s.ctx = call, ctx
	switch {
	case s.cancelled == call:
		ctx.cancel(s.cause)
	case s.retiring:
		ctx.cancel(contextCanceled)
	}
	return ctx
}

// leave notes that a call has ended, and reports whether the process is to end now.
func (s *server) leave() bool {
	s.mu.Lock()
	s.ctx = nil
	retiring := s.retiring
	s.mu.Unlock()
	mapped.sweep()
	return retiring
}

// obey carries the parent's commands out. At their end the parent is gone, and so is
// this process then.
func (s *server) obey() {
	for {
		var b [commandSize]byte
		if _, err := io.ReadFull(s.link.control, b[:]); err != nil {
			os.Exit(1)
		}
		arg := binary.LittleEndian.Uint64(b[8:])
		switch binary.LittleEndian.Uint64(b[:]) {
		case commandCancel:
			s.cancel(arg, contextCanceled)
		case commandExpire:
			s.cancel(arg, contextExpired)
		case commandForget:
			s.forget(arg)
		case commandRetire:
			s.retire()
		}
	}
}

func (s *server) cancel(call uint64, cause int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelled, s.cause = call, cause
	if s.ctx != nil && s.call == call {
		s.ctx.cancel(cause)
	}
}

// forget unmaps a buffer, after the present call if there is one.
func (s *server) forget(buffer uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mapped.forget(buffer)
	if s.ctx == nil {
		mapped.sweep()
	}
}

// retire has the process end after the present call, of which the context ends, or now
// if there is none: then the end of the connection ends serve.
func (s *server) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retiring = true
	if s.ctx == nil {
		s.link.data.Close()
		return
	}
	s.ctx.cancel(contextCanceled)
}
