package ipcsync

// configAt returns cfg for an object in a place.
func configAt(at Place, cfg *Config) *Config {
	var c Config
	if cfg != nil {
		c = *cfg
	}
	c.At = at
	return &c
}
