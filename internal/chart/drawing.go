package chart

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// drawing is a panel that is being drawn.
type drawing struct {
	*bytes.Buffer
	panel *Panel
	x, y  scale
}

func (d *drawing) draw() {
	d.text("title", left, 22, d.panel.Title)
	d.axes()
	if d.panel.Level != nil {
		y := d.y.at(d.panel.Level.Y)
		fmt.Fprintf(d, `<line class="level" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", left, y, left+plotWidth, y)
		d.text("level-name", left+6, y-5, d.panel.Level.Name)
	}
	for _, l := range d.panel.Lines {
		d.line(l)
	}
	d.names()
	fmt.Fprintf(d, `<rect class="plot" x="%d" y="%d" width="%d" height="%d"/>`+"\n", left, top, plotWidth, plotHeight)
}

func (d *drawing) axes() {
	for _, v := range d.panel.Y.ticks(d.y) {
		y := d.y.at(v)
		fmt.Fprintf(d, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", left, y, left+plotWidth, y)
		d.text("tick end", left-7, y+4, d.panel.Y.Text(v))
	}
	for _, v := range d.panel.X.ticks(d.x) {
		x := d.x.at(v)
		fmt.Fprintf(d, `<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", x, top, x, top+plotHeight)
		d.text("tick middle", x, top+plotHeight+17, d.panel.X.Text(v))
	}
	d.text("axis middle", left+plotWidth/2, top+plotHeight+36, d.panel.X.Label)
	d.text("axis", left, top-7, d.panel.Y.Label)
}

func (d *drawing) text(class string, x, y float64, text string) {
	fmt.Fprintf(d, `<text class="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, x, y, html.EscapeString(text))
}

func (d *drawing) line(l Line) {
	if len(l.Points) == 0 {
		return
	}
	fmt.Fprintf(d, `<g class="line style%d" data-name="%s">`, l.Style, html.EscapeString(l.Name))
	var path strings.Builder
	for i, p := range l.Points {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], d.x.at(p.X), d.y.at(p.Y))
	}
	fmt.Fprintf(d, `<path class="stroke" d="%s"/>`, path.String())
	for _, p := range l.Points {
		fmt.Fprintf(d, `<path class="marker" data-x="%s" data-tip="%s" d="%s"><title>%s</title></path>`,
			html.EscapeString(d.panel.X.Text(p.X)), html.EscapeString(p.Tip), marker(l.Style, d.x.at(p.X), d.y.at(p.Y)), html.EscapeString(p.Title))
	}
	d.WriteString("</g>\n")
}

// marker returns the path of a marker around x and y.
func marker(style int, x, y float64) string {
	const r = 4.0
	corners := []struct{ n, turn float64 }{{4, 45}, {3, -90}, {4, 0}, {3, 90}}
	shape := style % (len(corners) + 1)
	if shape == 0 {
		return fmt.Sprintf("M%.1f %.1fa%g %[3]g 0 1 0 %g 0a%[3]g %[3]g 0 1 0 %[5]g 0Z", x-r, y, r, 2*r, -2*r)
	}
	c := corners[shape-1]
	var path strings.Builder
	for i := range int(c.n) {
		angle := (c.turn + float64(i)*360/c.n) * math.Pi / 180
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x+1.15*r*math.Cos(angle), y+1.15*r*math.Sin(angle))
	}
	return path.String() + "Z"
}

// names writes the lines' names at their right ends, apart from each other.
func (d *drawing) names() {
	const distance = 13
	type name struct {
		*Line
		ends, y float64
	}
	var all []name
	for i := range d.panel.Lines {
		if l := &d.panel.Lines[i]; len(l.Points) > 0 {
			y := d.y.at(l.Points[len(l.Points)-1].Y)
			all = append(all, name{l, y, y})
		}
	}
	slices.SortStableFunc(all, func(a, b name) int { return int(math.Copysign(1, a.y-b.y)) })
	// Down from the top, then up from the bottom: neither end is left.
	for i := range all {
		low := float64(top)
		if i > 0 {
			low = all[i-1].y + distance
		}
		all[i].y = max(all[i].y, low)
	}
	for i := len(all) - 1; i >= 0; i-- {
		high := float64(top + plotHeight)
		if i < len(all)-1 {
			high = all[i+1].y - distance
		}
		all[i].y = min(all[i].y, high)
	}
	for _, n := range all {
		x := d.x.at(n.Points[len(n.Points)-1].X)
		fmt.Fprintf(d, `<path class="leader style%d" d="M%.1f %.1fL%.1f %.1f"/>`, n.Style, x+5, n.ends, float64(left+plotWidth+8), n.y)
		fmt.Fprintf(d, `<text class="name style%d" x="%d" y="%.1f">%s</text>`+"\n", n.Style, left+plotWidth+11, n.y+4, html.EscapeString(n.Name))
	}
}
