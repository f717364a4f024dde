package cli

import (
	"fmt"
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/ipcbench"
)

// benchTable lays a report out.
func benchTable(r *ipcbench.Report) string {
	cells := [][]string{{"transport", "size", "mode", "p50", "p99", "p99.9", "max", "of limit", "messages/s", "throughput", "CPU s/million"}}
	for _, row := range r.Rows {
		cells = append(cells, []string{
			row.Transport, ipcbench.Size(row.Size), string(row.Mode),
			nanoseconds(row.P50), nanoseconds(row.P99), nanoseconds(row.P999), nanoseconds(row.Max),
			ipcbench.Multiple(row.OverLimit), ipcbench.Count(row.Messages), ipcbench.BytesPerSecond(row.Bytes), fmt.Sprintf("%.3g", row.CPU),
		})
	}
	var b strings.Builder
	b.WriteString(table(cells))
	if r.Limit > 0 {
		fmt.Fprintf(&b, "\nThe limit, a cache line bounced by bare spinning, there and back: %s.\n", ipcbench.Nanoseconds(r.Limit))
	}
	for _, a := range r.Absent {
		fmt.Fprintf(&b, "%s: %s.\n", a.Transport, a.Why)
	}
	return b.String()
}

func nanoseconds(ns int64) string { return ipcbench.Nanoseconds(float64(ns)) }

// changeTable lays out what has changed since an older report.
func changeTable(r, old *ipcbench.Report) string {
	changes := r.Since(old)
	if len(changes) == 0 {
		return "The old report has none of these rows.\n"
	}
	cells := [][]string{{"transport", "size", "mode", "p50 before", "p50 now", "of limit before", "now", "round trip", "messages/s before", "now", "messages/s"}}
	measured := false
	for _, c := range changes {
		trip := fmt.Sprintf("%.2f", c.Trip)
		if !c.OfLimits {
			trip, measured = trip+"*", true
		}
		cells = append(cells, []string{
			c.New.Transport, ipcbench.Size(c.New.Size), string(c.New.Mode),
			nanoseconds(c.Old.P50), nanoseconds(c.New.P50), ipcbench.Multiple(c.Old.OverLimit), ipcbench.Multiple(c.New.OverLimit), trip,
			ipcbench.Count(c.Old.Messages), ipcbench.Count(c.New.Messages), fmt.Sprintf("%.2f", c.Messages),
		})
	}
	text := "Since then, now divided by before; round trips as multiples of the limit:\n" + table(cells)
	if measured {
		text += "* as measured: one of them has no limit.\n"
	}
	return text
}
