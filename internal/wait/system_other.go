//go:build !linux && !windows

package wait

const wakesAll = true

// maxOwnThreads is 0: the goroutine of a shared thread polls all words.
func maxOwnThreads() int { return 0 }

func newOwnParker() (parker, error) { return newPollParker(), nil }

func newSharedParker() (parker, error) { return newPollParker(), nil }

func (w *Word) wake(int) int { return 0 }

type systemWord struct{}

func (*systemWord) init(Name)   {}
func (*systemWord) open() error { return nil }
func (*systemWord) close()      {}

type systemEntry struct{}

func (e *waitEntry) poll() (ready bool, err error) { return e.changed(), nil }
