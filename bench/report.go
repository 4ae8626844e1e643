package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is what a run has measured.
type Report struct {
	Machine string    `json:"machine"` // processor, cores, system
	Go      string    `json:"go"`
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Rows    []Row     `json:"rows"`
}

// Row is one measure.
type Row struct {
	Name  string  `json:"name"`
	What  string  `json:"what"`
	Value float64 `json:"value"` // the figure that Reach speaks of
	Unit  string  `json:"unit"`
	Reach string  `json:"reach"` // what DESIGN.md wants
	OK    bool    `json:"ok"`
	Parts []Part  `json:"parts"` // what Value was made of, medians over the rounds
	Note  string  `json:"note,omitempty"`
}

// Part is one figure behind a row.
type Part struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// atLeast and atMost fill in the verdict.
func (r Row) atLeast(limit float64) Row {
	r.OK = r.Value >= limit
	return r
}

func (r Row) atMost(limit float64) Row {
	r.OK = r.Value <= limit
	return r
}

// textParts is how many parts of a row are written for people; programs get all.
const textParts = 30

// Text writes a row for people.
func (r Row) Text(w io.Writer) {
	verdict := "reached"
	if !r.OK {
		verdict = "NOT reached"
	}
	fmt.Fprintf(w, "%-14s %s: %s %s  (wanted: %s; %s)\n", r.Name, r.What, figure(r.Value), r.Unit, r.Reach, verdict)
	for _, p := range r.Parts[:min(len(r.Parts), textParts)] {
		fmt.Fprintf(w, "%-14s   %-44s %12s %s\n", "", p.Name, figure(p.Value), p.Unit)
	}
	if more := len(r.Parts) - textParts; more > 0 {
		fmt.Fprintf(w, "%-14s   and %d more (all are in the JSON)\n", "", more)
	}
	if r.Note != "" {
		fmt.Fprintf(w, "%-14s   %s\n", "", r.Note)
	}
}

// JSON writes the report for programs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// figure prints a number with as many digits as it deserves.
func figure(v float64) string {
	switch {
	case v >= 10_000:
		return thousands(fmt.Sprintf("%.0f", v))
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func thousands(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// median of what the rounds gave.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// quantile q (0 to 1) of durations.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
