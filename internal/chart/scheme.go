package chart

import (
	"fmt"
	"strings"
)

// Scheme says for which background a figure is drawn.
type Scheme int

const (
	// Either has both, and takes the one that the reader's system has.
	Either Scheme = iota
	Light
	Dark
)

// colours are those of one scheme.
type colours struct {
	paper, ink, faint, grid string
	lines                   []string
}

// Lines that are related have related hues: three blues, two oranges, two greens, two
// reds. Within a family lightness tells them apart.
var (
	light = colours{"#ffffff", "#1f2328", "#59636e", "#e3e7eb",
		[]string{"#0a3d91", "#1f7ae0", "#5aa9e6", "#b35900", "#e08a1e", "#146c43", "#35a36b", "#c2185b", "#8e24aa"}}
	dark = colours{"#0d1117", "#e6edf3", "#9198a1", "#2a313a",
		[]string{"#7aa7ff", "#3f8cff", "#a5d6ff", "#ff9d4d", "#ffc56e", "#3fb970", "#8ee6b0", "#ff6fa5", "#d29bff"}}
)

// Styles is how many styles of lines there are.
var Styles = len(light.lines)

func (s Scheme) css() string {
	switch s {
	case Light:
		return shape + light.css()
	case Dark:
		return shape + dark.css()
	}
	return shape + light.css() + "@media (prefers-color-scheme: dark) {\n" + dark.css() + "}\n"
}

// shape is what doesn't depend on colours.
const shape = `.figure text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; }
.figure .heading { font-size: 16px; font-weight: 600; }
.figure .title { font-size: 14px; font-weight: 600; }
.figure .name { font-weight: 600; }
.figure .end { text-anchor: end; }
.figure .middle { text-anchor: middle; }
.figure .stroke { fill: none; stroke-width: 2; stroke-linejoin: round; }
.figure .leader { fill: none; stroke-width: 1; opacity: 0.5; }
.figure .marker { stroke-width: 1.2; }
.figure .level { stroke-width: 1.5; stroke-dasharray: 6 4; }
.figure .grid { stroke-width: 1; }
.figure .plot { fill: none; }
`

func (c colours) css() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".figure .paper { fill: %s; }\n", c.paper)
	fmt.Fprintf(&b, ".figure text { fill: %s; }\n", c.ink)
	fmt.Fprintf(&b, ".figure .tick, .figure .axis, .figure .level-name { fill: %s; }\n", c.faint)
	fmt.Fprintf(&b, ".figure .grid { stroke: %s; }\n.figure .level { stroke: %s; }\n.figure .marker { stroke: %s; }\n", c.grid, c.faint, c.paper)
	for i, colour := range c.lines {
		fmt.Fprintf(&b, ".figure .style%d .stroke, .figure .leader.style%[1]d { stroke: %s; }\n", i, colour)
		fmt.Fprintf(&b, ".figure .style%d .marker, .figure .name.style%[1]d { fill: %s; }\n", i, colour)
	}
	return b.String()
}
