//go:build unix

package pipe

import "os"

func newPipe(s *settings) (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil || s.BufferSize == 0 {
		return r, w, err
	}
	if err := setPipeBuffer(w, s.BufferSize); err != nil {
		r.Close()
		w.Close()
		return nil, nil, err
	}
	return r, w, nil
}
