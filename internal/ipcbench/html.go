package ipcbench

import (
	_ "embed"
	"html/template"
	"io"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/chart"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"ns":    func(v int64) string { return Nanoseconds(float64(v)) },
	"times": Multiple,
	"rate":  BytesPerSecond,
	"count": Count,
	"size":  Size,
	"cpu":   threeDigits,
}).Parse(pageText))

// HTML writes the report as one page that needs no other file. where says what it was
// measured on.
func (r *Report) HTML(w io.Writer, where string, at time.Time) error {
	return page.Execute(w, map[string]any{
		"Limit":  Nanoseconds(r.Limit),
		"Where":  where,
		"At":     at.UTC().Format("2006-01-02 15:04 UTC"),
		"Figure": template.HTML(r.Figure().SVG(chart.Either)),
		"Rows":   r.Rows,
		"Absent": r.Absent,
	})
}
