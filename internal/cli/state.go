package cli

// state is what an object tells of itself.
type state interface {
	// table is for people.
	table() string
	// json returns what is printed as one line of JSON, with header in front.
	json(header statHeader) any
}
