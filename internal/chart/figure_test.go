package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
)

func example() *Figure {
	p := Panel{
		Title: "Apples & <pears>",
		X:     Axis{Label: "x", Text: func(v float64) string { return fmt.Sprint(v) }, Ticks: []float64{1, 10, 100}},
		Y:     Axis{Label: "y", Text: func(v float64) string { return fmt.Sprint(v) }},
		Level: &Level{Y: 0.5, Name: "level"},
	}
	for style := range Styles {
		p.Lines = append(p.Lines, Line{Name: fmt.Sprint("line ", style), Style: style, Points: []Point{
			{1, 10, "one", ""}, {100, 1000 + float64(style), "two", `"tip"`},
		}})
	}
	empty := Panel{X: p.X, Y: p.Y, Lines: []Line{{Name: "none"}}}
	return &Figure{Title: "Fruit", Description: "d", Columns: 2, Panels: []Panel{p, empty, p}}
}

// texts parses a figure and returns its texts, and the heights at which lines' names stand.
func texts(t *testing.T, svg []byte) (all []string, names []float64) {
	t.Helper()
	name := false
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, names
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name = false
			for _, a := range token.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s %s is %s", token.Name.Local, a.Name.Local, a.Value)
				}
				if a.Name.Local == "class" {
					name = strings.HasPrefix(a.Value, "name ")
				}
				if y, err := strconv.ParseFloat(a.Value, 64); err == nil && name && a.Name.Local == "y" {
					names = append(names, y)
				}
			}
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" && !strings.Contains(text, "{") {
				all = append(all, text)
			}
		}
	}
}

func TestFigureIsTheSameInEveryScheme(t *testing.T) {
	want, _ := texts(t, example().SVG(Either))
	for _, scheme := range []Scheme{Light, Dark} {
		svg := example().SVG(scheme)
		if got, _ := texts(t, svg); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q, want %q", got, want)
		}
		if strings.Contains(string(svg), "prefers-color-scheme") {
			t.Error("a scheme has two")
		}
	}
	if all := strings.Join(want, "|"); !strings.Contains(all, "Apples & <pears>") || !strings.Contains(all, "level") || !strings.Contains(all, "|two|") {
		t.Errorf("%s", all)
	}
	if !strings.Contains(string(example().SVG(Either)), "@media (prefers-color-scheme: dark)") {
		t.Error("Either has one scheme")
	}
}

// Names of lines that end at one place stand apart.
func TestNamesStandApart(t *testing.T) {
	_, names := texts(t, example().SVG(Light))
	if len(names) != 2*Styles {
		t.Fatalf("%d names", len(names))
	}
	for i := 1; i < Styles; i++ {
		if names[i]-names[i-1] < 12 {
			t.Errorf("names at %v", names[:Styles])
			break
		}
	}
}

func TestScale(t *testing.T) {
	var e extent
	for _, v := range []float64{10, 1000, 0, -5} {
		e.include(v)
	}
	s := scale{e, 0, 200}.inset(0)
	if s.at(10) != 0 || s.at(1000) != 200 || s.at(100) != 100 {
		t.Errorf("%v %v %v", s.at(10), s.at(1000), s.at(100))
	}
	if len(light.lines) != len(dark.lines) {
		t.Error("the schemes differ in their number of lines")
	}
}
