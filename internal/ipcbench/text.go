package ipcbench

import "fmt"

// String says in words what the row has.
func (r Row) String() string {
	return fmt.Sprintf("%s, %s, %s: round trip %s (p99 %s%s), %s, %s messages/s", r.Transport, Size(r.Size), r.Mode,
		Nanoseconds(float64(r.P50)), Nanoseconds(float64(r.P99)), r.overInWords(), BytesPerSecond(r.Bytes), Count(r.Messages))
}

// latencyTip and throughputTip are what a chart says of a point.
func (r Row) latencyTip() string {
	return fmt.Sprintf("%s, p99 %s%s", Nanoseconds(float64(r.P50)), Nanoseconds(float64(r.P99)), r.overInWords())
}

func (r Row) throughputTip() string {
	return fmt.Sprintf("%s, %s messages/s", BytesPerSecond(r.Bytes), Count(r.Messages))
}

func (r Row) overInWords() string {
	if r.OverLimit == nil {
		return ""
	}
	return fmt.Sprintf(", %s the limit", Multiple(r.OverLimit))
}

// Multiple writes a multiple of the limit; nil is unknown.
func Multiple(x *float64) string {
	if x == nil {
		return "-"
	}
	return threeDigits(*x) + "x"
}

// Nanoseconds writes a time.
func Nanoseconds(ns float64) string {
	return scaled(ns, []string{" ns", " µs", " ms", " s"})
}

// BytesPerSecond writes a throughput.
func BytesPerSecond(b float64) string {
	return scaled(b, []string{" B/s", " kB/s", " MB/s", " GB/s", " TB/s"})
}

// Count writes a number.
func Count(n float64) string { return scaled(n, []string{"", " k", " M", " G"}) }

// Size writes a size in bytes.
func Size(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// scaled writes x with three digits and a unit.
func scaled(x float64, units []string) string {
	i := 0
	for x >= 999.5 && i < len(units)-1 {
		x, i = x/1000, i+1
	}
	return threeDigits(x) + units[i]
}

func threeDigits(x float64) string {
	switch {
	case x >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case x >= 9.995:
		return trimZero(fmt.Sprintf("%.1f", x))
	}
	return trimZero(fmt.Sprintf("%.2f", x))
}

// trimZero makes 1.00 a 1, and leaves 1.20 as it is.
func trimZero(text string) string {
	for _, zeros := range []string{".00", ".0"} {
		if n := len(text) - len(zeros); n > 0 && text[n:] == zeros {
			return text[:n]
		}
	}
	return text
}
