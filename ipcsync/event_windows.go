package ipcsync

func newEvent(h how, name string, cfg *Config) (*Event, error) {
	e, err := newOwnEvent(attach(h, eventKind, name, cfg, fillEvent(cfg)))
	if err != nil {
		return nil, err
	}
	return &Event{e, name, e.created}, nil
}

func removeEvent(name string, cfg *Config) error { return removeShared(eventKind, name, cfg) }
