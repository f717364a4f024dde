package main

import (
	"strings"
	"testing"
)

func TestPageErrors(t *testing.T) {
	for text, want := range map[string]string{
		"dance":                         `line 1: a page has no "dance"`,
		"title A\n\nbackground red":     `line 3: "red" is no colour`,
		"background":                    "the colour is missing",
		"rect 1 2 x 4 ffffff":           `"x" is no number`,
		"disc 1 2 3":                    "the colour is missing",
		"disc 1 2 3 ffffff 1":           "number 2 is missing",
		"crash 99999999999999999999":    "is no number",
		strings.Repeat("waves\n", 1001): "at most 1000 shapes",
		strings.Repeat("#", maxPage+1):  "may have",
	} {
		if _, err := parsePage(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %s", text, err, want)
		}
	}
}

// A page may be anything: it is drawn, or is an error.
func FuzzPage(f *testing.F) {
	for _, name := range []string{"waves", "balls", "flag", "crash", "hang", "greedy"} {
		text, err := builtIn.ReadFile("pages/" + name + pageExtension)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), 7)
	}
	picture := newPicture()
	f.Fuzz(func(t *testing.T, text string, frame int) {
		if p, err := parsePage(text); err == nil && strings.Count(text, "\n") < 20 {
			p.draw(picture, frame)
		}
	})
}

func TestBounce(t *testing.T) {
	for at := range 1000 {
		if got := bounce(at-500, tabWidth); got < 0 || got >= tabWidth {
			t.Errorf("%d bounces to %d", at-500, got)
		}
	}
}
