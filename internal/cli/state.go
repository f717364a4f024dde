package cli

// state is what an object tells of itself.
type state interface {
	// summary is a row of ls.
	summary() summary
	// table is for people.
	table() string
	// json returns what is printed as one line of JSON, with header in front.
	json(header statHeader) any
}
