//go:build race

package worker

// raceEnabled has what is stored in order be stored in a way that the race detector sees.
const raceEnabled = true
