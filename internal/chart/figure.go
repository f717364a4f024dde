package chart

import (
	"bytes"
	"fmt"
	"html"
)

// Figure is a grid of panels.
type Figure struct {
	Title       string
	Description string // read out to readers that don't see it
	Columns     int
	Panels      []Panel // row by row
}

// Panel is a chart.
type Panel struct {
	Title string
	X, Y  Axis
	Lines []Line
	Level *Level // nil means none
}

// Line is a line of a panel. Lines with the same Style look the same in all panels.
type Line struct {
	Name   string
	Style  int // 0 to Styles - 1
	Points []Point
}

// Point is a point of a line, with its values. Both must be above 0.
type Point struct {
	X, Y  float64
	Title string // what it says in words
	Tip   string // the same beside the line's name and the tick, for scripts of a page
}

// Level is a dashed line across a panel.
type Level struct {
	Y    float64
	Name string
}

// The measures of a figure, in pixels.
const (
	panelWidth, panelHeight = 460, 340
	left, right             = 70, 84 // of the plot, for labels
	top, bottom             = 50, 50
	plotWidth               = panelWidth - left - right
	plotHeight              = panelHeight - top - bottom
	titleHeight             = 30
)

// Width and Height return the figure's measures in pixels.
func (f *Figure) Width() int { return f.Columns * panelWidth }

func (f *Figure) Height() int {
	return titleHeight + (len(f.Panels)+f.Columns-1)/f.Columns*panelHeight
}

// SVG returns the figure as a document, which is also an element of HTML.
func (f *Figure) SVG(scheme Scheme) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 %d %d" role="img" aria-labelledby="figure-title figure-description">`+"\n", f.Width(), f.Height())
	fmt.Fprintf(&b, "<title id=\"figure-title\">%s</title>\n<desc id=\"figure-description\">%s</desc>\n", html.EscapeString(f.Title), html.EscapeString(f.Description))
	fmt.Fprintf(&b, "<style>\n%s</style>\n", scheme.css())
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", f.Width(), f.Height())
	fmt.Fprintf(&b, `<text class="heading" x="%d" y="22">%s</text>`+"\n", left, html.EscapeString(f.Title))
	for i := range f.Panels {
		x, y := i%f.Columns*panelWidth, titleHeight+i/f.Columns*panelHeight
		d := drawing{Buffer: &b, panel: &f.Panels[i], x: f.scaleX(i), y: f.scaleY(i)}
		fmt.Fprintf(&b, `<g class="panel" data-panel="%d" transform="translate(%d %d)">`+"\n", i, x, y)
		d.draw()
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// scaleX is the scale of the column in which panel i stands, scaleY that of its row.
func (f *Figure) scaleX(i int) scale {
	r := f.extent(func(j int) bool { return j%f.Columns == i%f.Columns }, func(p Point) float64 { return p.X })
	return scale{r, left, left + plotWidth}.inset(0.03)
}

func (f *Figure) scaleY(i int) scale {
	r := f.extent(func(j int) bool { return j/f.Columns == i/f.Columns }, func(p Point) float64 { return p.Y })
	for j := range f.Panels {
		if level := f.Panels[j].Level; level != nil && j/f.Columns == i/f.Columns {
			r.include(level.Y)
		}
	}
	return scale{r, top + plotHeight, top}.inset(0.05)
}

// extent returns the range of a coordinate of the points in some panels.
func (f *Figure) extent(in func(panel int) bool, coordinate func(Point) float64) (r extent) {
	for j := range f.Panels {
		if !in(j) {
			continue
		}
		for _, l := range f.Panels[j].Lines {
			for _, p := range l.Points {
				r.include(coordinate(p))
			}
		}
	}
	return r
}
