package ipcbench

import (
	"fmt"
	"slices"

	"github.com/breezeway-ipc/breezeway/internal/chart"
)

// Figure draws the report: latency above, throughput below, parked beside spinning.
func (r *Report) Figure() *chart.Figure {
	f := &chart.Figure{
		Title: "Messages between two processes",
		Description: fmt.Sprintf("Four charts by size of message: time of a round trip and bytes per second, waiting parked and spinning. "+
			"The machine's limit, a cache line bounced by bare spinning, is %s.", Nanoseconds(r.Limit)),
		Columns: 2,
	}
	latency := func(row Row) float64 { return float64(row.P50) }
	throughput := func(row Row) float64 { return row.Bytes }
	modes := map[Mode]string{Park: "parked", Spin: "spinning"}
	waits := map[Mode]string{Park: "asleep until a message comes", Spin: "each end keeps a processor busy"}
	for _, mode := range []Mode{Park, Spin} {
		p := r.panel(mode, latency, Row.latencyTip)
		p.Title = "Round trip, " + modes[mode]
		p.Y = chart.Axis{Label: "median, lower is better; " + waits[mode], Text: Nanoseconds}
		if r.Limit > 0 {
			p.Level = &chart.Level{Y: r.Limit, Name: "the machine's limit, " + Nanoseconds(r.Limit)}
		}
		f.Panels = append(f.Panels, p)
	}
	for _, mode := range []Mode{Park, Spin} {
		p := r.panel(mode, throughput, Row.throughputTip)
		p.Title = "Throughput, " + modes[mode]
		p.Y = chart.Axis{Label: "one way, higher is better; " + waits[mode], Text: BytesPerSecond}
		f.Panels = append(f.Panels, p)
	}
	return f
}

// panel makes a chart of a mode, with value and tip of each row.
func (r *Report) panel(mode Mode, value func(Row) float64, tip func(Row) string) chart.Panel {
	p := chart.Panel{X: chart.Axis{Label: "size of a message", Text: func(v float64) string { return Size(int(v)) }}}
	for _, size := range r.sizes() {
		p.X.Ticks = append(p.X.Ticks, float64(size))
	}
	for _, t := range transports {
		l := chart.Line{Name: t.name, Style: t.style}
		for _, row := range r.Rows {
			if row.Transport == t.name && row.Mode == mode && value(row) > 0 {
				l.Points = append(l.Points, chart.Point{X: float64(row.Size), Y: value(row), Title: row.String(), Tip: tip(row)})
			}
		}
		slices.SortFunc(l.Points, func(a, b chart.Point) int { return int(a.X - b.X) })
		if len(l.Points) > 0 {
			p.Lines = append(p.Lines, l)
		}
	}
	return p
}

// sizes returns the sizes of messages that the report has, sorted.
func (r *Report) sizes() (sizes []int) {
	for _, row := range r.Rows {
		sizes = append(sizes, row.Size)
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}
