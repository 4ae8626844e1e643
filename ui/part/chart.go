package part

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Series is one line of a chart. A point that is not a number is a gap.
type Series struct {
	Name   string
	Points []float64
}

// ChartView is one or two series over the same steps of time.
type ChartView struct {
	Title  string
	Unit   string   // of the points: "per minute", "ms"
	Labels []string // one for each point, oldest first: "14:05"
	Series []Series // at most two are drawn
}

// Chart geometry, in the SVG's own units; it is stretched to its place.
const (
	chartWidth  = 600.0
	chartHeight = 120.0
	maxBands    = 48 // things to point at; the table for screen readers has as many rows
)

func (v ChartView) series() []Series { return v.Series[:min(len(v.Series), 2)] }

// steps is how many points the longest series has.
func (v ChartView) steps() int {
	n := 0
	for _, s := range v.series() {
		n = max(n, len(s.Points))
	}
	return n
}

// top is the round number that the chart reaches up to.
func (v ChartView) top() float64 {
	most := 0.0
	for _, s := range v.series() {
		most = max(most, highest(s.Points))
	}
	return roundUp(most)
}

func highest(points []float64) float64 {
	most := 0.0
	for _, p := range points {
		if finite(p) {
			most = max(most, p)
		}
	}
	return most
}

func finite(p float64) bool { return !math.IsNaN(p) && !math.IsInf(p, 0) }

// roundUp gives the next of 1, 2, 5, 10, 20, 50, …; at least 1.
func roundUp(most float64) float64 {
	if most <= 1 || !finite(most) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, f := range []float64{1, 2, 5} {
		if most <= f*power {
			return f * power
		}
	}
	return 10 * power
}

// place gives where a point stands.
func place(i, steps int, p, top float64, box [2]float64) string {
	x := box[0]
	if steps > 1 {
		x = box[0] * float64(i) / float64(steps-1)
	}
	y := box[1] - 1 - (box[1]-2)*min(max(p, 0)/top, 1)
	return figure(x) + "," + figure(y)
}

func figure(f float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
}

// runs cuts points into stretches without gaps, each as the places of its points.
func runs(points []float64, steps int, top float64, box [2]float64) [][]string {
	var all [][]string
	open := false
	for i, p := range points {
		if !finite(p) {
			open = false
			continue
		}
		if !open {
			all, open = append(all, nil), true
		}
		all[len(all)-1] = append(all[len(all)-1], place(i, steps, p, top, box))
	}
	return all
}

// line draws points as a path.
func line(points []float64, steps int, top float64, box [2]float64) string {
	var b strings.Builder
	for _, run := range runs(points, steps, top, box) {
		b.WriteString("M" + strings.Join(run, "L"))
		if len(run) == 1 {
			b.WriteString("m-2,0h4") // a lone point is a dash
		}
	}
	return b.String()
}

// area draws what lies under the line.
func area(points []float64, steps int, top float64, box [2]float64) string {
	var b strings.Builder
	for _, run := range runs(points, steps, top, box) {
		first, _, _ := strings.Cut(run[0], ",")
		last, _, _ := strings.Cut(run[len(run)-1], ",")
		b.WriteString("M" + first + "," + figure(box[1]) + "L" + strings.Join(run, "L") + "L" + last + "," + figure(box[1]) + "Z")
	}
	return b.String()
}

// band is a stretch of the chart that one can point at.
type band struct {
	x, width string
	label    string
	values   []string // one for each series
}

// text is what the band's tip says.
func (b band) text(series []Series) string {
	lines := []string{b.label}
	for i, s := range series {
		lines = append(lines, s.Name+" "+b.values[i])
	}
	return strings.Join(lines, "\n")
}

// bands cuts the chart into at most maxBands stretches with their means.
func (v ChartView) bands() []band {
	steps := v.steps()
	count := min(steps, maxBands)
	bands := make([]band, 0, count)
	for i := range count {
		from, to := i*steps/count, (i+1)*steps/count
		b := band{
			x:     figure(chartWidth * float64(i) / float64(count)),
			width: figure(chartWidth / float64(count)),
			label: v.label(from),
		}
		if to-from > 1 {
			b.label += " to " + v.label(to-1)
		}
		for _, s := range v.series() {
			b.values = append(b.values, mean(s.Points, from, to))
		}
		bands = append(bands, b)
	}
	return bands
}

func (v ChartView) label(i int) string {
	if i < len(v.Labels) {
		return v.Labels[i]
	}
	return strconv.Itoa(i + 1)
}

// axis is the labels that stand under the chart: first, middle, last.
func (v ChartView) axis() []string {
	n := len(v.Labels)
	if n < 3 {
		return v.Labels
	}
	return []string{v.Labels[0], v.Labels[n/2], v.Labels[n-1]}
}

func mean(points []float64, from, to int) string {
	sum, n := 0.0, 0
	for i := from; i < min(to, len(points)); i++ {
		if finite(points[i]) {
			sum, n = sum+points[i], n+1
		}
	}
	if n == 0 {
		return "none"
	}
	return amount(sum / float64(n))
}

// amount writes a figure of a chart: 0.25, 12.5, 1.2k, 3.4M.
func amount(f float64) string {
	for _, s := range []struct {
		of   float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if f >= s.of {
			of := s.of
			if s.name == "k" {
				of = 1e3
			}
			return figure(f/of) + s.name
		}
	}
	if f < 1 && f > 0 {
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
	}
	return figure(f)
}

// Geometry of a sparkline.
const (
	sparkWidth  = 120.0
	sparkHeight = 24.0
)

// sparkLabel says in words what the line shows.
func sparkLabel(label string, points []float64) string {
	if len(points) == 0 {
		return label + ": nothing yet"
	}
	return fmt.Sprintf("%s: now %s, at most %s", label, mean(points, len(points)-1, len(points)), amount(highest(points)))
}
