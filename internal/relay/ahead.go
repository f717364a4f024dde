package relay

import "context"

// ahead is an End of which the first piece is read before it is asked for.
type ahead struct {
	End
	first chan piece // gets one
	taken bool
}

type piece struct {
	data   []byte
	settle func(context.Context, error) error
	err    error
}

// ReadAhead begins to read from e, and tells came whether the first piece has come, or what
// Next failed with instead. Close ends it.
func ReadAhead(ctx context.Context, e End, came func(error)) End {
	a := &ahead{End: e, first: make(chan piece, 1)}
	go func() {
		data, settle, err := e.Next(ctx)
		a.first <- piece{data, settle, err}
		came(err)
	}()
	return a
}

// Next implements [End].
func (a *ahead) Next(ctx context.Context) ([]byte, func(context.Context, error) error, error) {
	if a.taken {
		return a.End.Next(ctx)
	}
	a.taken = true
	p := <-a.first
	return p.data, p.settle, p.err
}
