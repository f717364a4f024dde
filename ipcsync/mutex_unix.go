//go:build unix

package ipcsync

func newMutex(h how, name string, cfg *Config) (*Mutex, error) {
	m, err := newOwnMutex(attach(h, mutexKind, name, cfg, nil))
	if err != nil {
		return nil, err
	}
	return &Mutex{m, name, m.created}, nil
}

func removeMutex(name string, cfg *Config) error { return removeShared(mutexKind, name, cfg) }
