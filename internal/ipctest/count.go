package ipctest

// Count scales a number of rounds to what the run can afford: all of them on
// Linux, a tenth under the race detector, a hundredth under Wine.
func Count(n int) int {
	switch {
	case UnderWine():
		n /= 100
	case raceEnabled:
		n /= 10
	}
	return max(n, 1)
}
