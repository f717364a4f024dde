//go:build unix

package pipe

import "os"

func newPipe(s *settings) (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	for _, f := range []**os.File{&r, &w} {
		var moved *os.File
		if moved, err = aboveStandard(*f); err != nil {
			break
		}
		*f = moved
	}
	if err == nil && s.BufferSize > 0 {
		err = setPipeBuffer(w, s.BufferSize)
	}
	if err != nil {
		r.Close()
		w.Close()
		return nil, nil, err
	}
	return r, w, nil
}
