package shmnet

import "testing"

// TestSpinGivesUp waits for a word that doesn't change: from the fifth time on it is looked
// at every 16th time only, until spinning pays off again.
func TestSpinGivesUp(t *testing.T) {
	var s spinner
	var word uint64
	for i := range 4 {
		if !s.pays() {
			t.Fatalf("no spin after %d that failed", i)
		}
		if s.until(&word, 0) {
			t.Fatal("a word has changed that hasn't")
		}
	}
	spins := 0
	for range 10 * retryEvery {
		if s.pays() {
			spins++
		}
	}
	if spins != 10 {
		t.Errorf("%d spins of %d waits, want every %dth", spins, 10*retryEvery, retryEvery)
	}
	for !s.until(&word, 1) { // it differs from 1
	}
	if !s.pays() {
		t.Error("no spin after one that has paid off")
	}
}
