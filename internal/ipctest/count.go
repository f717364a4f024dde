package ipctest

import (
	"fmt"
	"os"
	"strconv"
)

// longEnv says which share of the rounds that are asked for a run makes: 1 is all
// of them. Without it the share is usualShare.
const longEnv = "IPC_LONG"

const usualShare = 0.01

// fewest is how many rounds a run makes at least, if that many are asked for and
// rounds are cheap.
const fewest = 10

// share is the part of all rounds that this run makes.
var share, shareErr = parseShare(os.Getenv(longEnv))

func parseShare(value string) (float64, error) {
	if value == "" {
		return usualShare, nil
	}
	share, err := strconv.ParseFloat(value, 64)
	if err != nil || !(share > 0 && share <= 1) {
		return 0, fmt.Errorf("%s is %q, and should be a number above 0 and at most 1, the share of all rounds that tests make", longEnv, value)
	}
	return share, nil
}

// Count scales a number of rounds, as an issue states it, to what the run can
// afford: a hundredth, or the share that the environment variable IPC_LONG gives; where
// everything is [Slow], at most a hundredth. A count of 10 or less is not scaled, unless
// there.
func Count(n int) int {
	if Slow() {
		return scale(n, min(share, 0.01), 1)
	}
	return scale(n, share, fewest)
}

func scale(n int, share float64, atLeast int) int {
	return max(int(float64(n)*share), min(n, atLeast), 1)
}

// Slow reports whether everything takes several times longer than it does for
// users: under the race detector and under Wine.
func Slow() bool { return raceEnabled || UnderWine() }
