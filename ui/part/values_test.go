package part

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestClockWritesAsTheLanguageDoes(t *testing.T) {
	at := time.Date(2026, 3, 2, 15, 4, 5, 0, time.UTC)
	for _, c := range []struct{ language, date, million, thousands string }{
		{"", "02/03/2026 15:04:05", "1,204,331", "9,876"},
		{"en-GB", "02/03/2026 15:04:05", "1,204,331", "9,876"},
		{"en-US", "03/02/2026 3:04:05 PM", "1,204,331", "9,876"},
		{"de", "02.03.2026 15:04:05", "1.204.331", "9.876"},
		{"es", "02/03/2026 15:04:05", "1.204.331", "9876"},
		{"fr", "02/03/2026 15:04:05", "1\u202f204\u202f331", "9\u202f876"},
		{"it", "02/03/2026 15:04:05", "1.204.331", "9.876"},
		{"pl", "02.03.2026 15:04:05", "1\u00a0204\u00a0331", "9876"},
		{"uk", "02.03.2026 15:04:05", "1\u00a0204\u00a0331", "9876"},
	} {
		clock := Clock{Language: c.language}
		if got := clock.DateTime(at); got != c.date {
			t.Errorf("%s: %q, want %q", c.language, got, c.date)
		}
		if got := clock.Number(1204331); got != c.million {
			t.Errorf("%s: %q, want %q", c.language, got, c.million)
		}
		if got := clock.Number(-9876); got != "-"+c.thousands {
			t.Errorf("%s: %q, want -%q", c.language, got, c.thousands)
		}
	}
}

func TestClockWritesInItsZone(t *testing.T) {
	c := Clock{Zone: time.FixedZone("CET", 3600)}
	if got := c.full(time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)); got != "01/01/2027 00:30:00 CET" {
		t.Error(got)
	}
	if got := c.DateTime(time.Time{}) + c.Date(time.Time{}) + c.Time(time.Time{}) + c.Relative(time.Time{}); got != "nevernevernevernever" {
		t.Error(got)
	}
}

func TestRelativeTimesAreCoarse(t *testing.T) {
	c := clock()
	for after, want := range map[time.Duration]string{
		0: "now", -900 * time.Millisecond: "now", -59 * time.Second: "59 s ago", -14 * time.Minute: "14 min ago", -23 * time.Hour: "23 h ago",
		-6*24*time.Hour - time.Hour: "6 d ago", -7 * 24 * time.Hour: "23/02/2026", 90 * time.Second: "in 1 min", 8 * 24 * time.Hour: "10/03/2026",
	} {
		if got := c.Relative(c.Now.Add(after)); got != want {
			t.Errorf("%v: %q, want %q", after, got, want)
		}
	}
}

func TestDurationsAndCountdowns(t *testing.T) {
	c := clock()
	for d, want := range map[time.Duration]string{
		0: "under 1 ms", 84 * time.Millisecond: "84 ms", 200 * time.Millisecond: "200 ms", 2500 * time.Millisecond: "2.5 s", 3 * time.Second: "3 s",
		14 * time.Minute: "14 min", 200 * time.Minute: "3 h 20 min", 52 * time.Hour: "2 d 4 h", 48 * time.Hour: "2 d", -time.Second: "under 1 ms",
	} {
		if got := c.Duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for left, want := range map[time.Duration]string{
		-time.Second: "now", 0: "now", time.Millisecond: "00:01", 462 * time.Second: "07:42", time.Hour: "1:00:00", 3725 * time.Second: "1:02:05",
	} {
		if got := c.until(c.Now.Add(left)); got != want {
			t.Errorf("%v left: %q, want %q", left, got, want)
		}
	}
}

func TestSizesAndCuts(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 1234: "1.2 kB", 999_960: "1 MB", 1 << 20: "1 MB", 3_400_000_000: "3.4 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for in, want := range map[string]string{"": "", "short": "short", "0123456789": "0123456789", "0123456789x": "01234…789x", "жжжжжжжжжжжж": "жжжжж…жжжж"} {
		if got := cutMiddle(in, 10); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func outline(n jsonNode) string {
	if n.leaf() {
		return strings.Join(n.path, "/") + "=" + n.text + " "
	}
	var b strings.Builder
	for _, m := range n.members {
		b.WriteString(outline(m))
	}
	return b.String()
}

func TestATreeKeepsOrderAndFigures(t *testing.T) {
	n, err := parseJSON([]byte(`{"z":12.50,"a":[1e3,{"k":null}],"big":12345678901234567890,"t":"<&\n","a":true}`))
	if want := `z=12.50 a/0=1e3 a/1/k=null big=12345678901234567890 t="<&\n" a=true `; err != nil || outline(n) != want {
		t.Errorf("%s (%v), want %s", outline(n), err, want)
	}
}

func TestWhatIsNoTreeIsShownAsText(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for _, bad := range []string{"", "<html>", `{"a":1`, `1 2`, deep, "[" + strings.Repeat("1,", maxTreeNodes) + "1]"} {
		if _, err := parseJSON([]byte(bad)); err == nil {
			t.Errorf("%.20q is a tree", bad)
		}
		if got := render(t, JSONTree(JSONTreeView{Label: "Body", JSON: []byte(bad)})); !strings.Contains(got, "code-block") {
			t.Errorf("%.20q is not shown as text", bad)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x",null,true,{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := parseJSON(text)
		if err == nil && n.kind == "" {
			t.Errorf("%q has no kind", text)
		}
	})
}

func TestDiffGivesBothSidesBack(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a b c", "a b c", " a  b  c"},
		{"a b c", "a x c", " a -b +x  c"},
		{"", "a b", "+a +b"},
		{"a b", "", "-a -b"},
		{"a b c d", "b d e", "-a  b -c  d +e"},
		{"a a a", "a a", " a  a -a"},
	} {
		lines := diff(strings.Fields(c.before), strings.Fields(c.after))
		var got, before, after []string
		for _, l := range lines {
			got = append(got, string(l.kind)+l.text)
			if l.kind != '+' {
				before = append(before, l.text)
			}
			if l.kind != '-' {
				after = append(after, l.text)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q to %q: %q, want %q", c.before, c.after, strings.Join(got, " "), c.want)
		}
		if strings.Join(before, " ") != c.before || strings.Join(after, " ") != c.after {
			t.Errorf("%q to %q came out as %q to %q", c.before, c.after, before, after)
		}
	}
}

func TestChartsDrawGapsAndEmptiness(t *testing.T) {
	box := [2]float64{100, 10}
	nan := math.NaN()
	for _, c := range []struct {
		points []float64
		want   string
	}{
		{nil, ""},
		{[]float64{0, 10}, "M0,9L100,1"},
		{[]float64{5}, "M100,5m-2,0h4"},
		{[]float64{0, nan, 10, 10}, "M0,9m-2,0h4M66.7,1L100,1"},
		{[]float64{nan, math.Inf(1)}, ""},
	} {
		if got := line(c.points, len(c.points), 10, box); got != c.want {
			t.Errorf("%v: %q, want %q", c.points, got, c.want)
		}
	}
	for most, want := range map[float64]float64{0: 1, 1: 1, 1.5: 2, 3: 5, 7: 10, 10: 10, 11: 20, 501: 1000} {
		if got := roundUp(most); got != want {
			t.Errorf("%v: reaches %v, want %v", most, got, want)
		}
	}
	if got := render(t, AreaChart(ChartView{Title: "None"})); !strings.Contains(got, "Nothing in this time.") {
		t.Error("an empty chart does not say so")
	}
}

func TestChartsHaveATableOfTheSame(t *testing.T) {
	v := ChartView{Title: "Arriving", Unit: "per minute", Labels: hours(288), Series: []Series{{"arriving", wave(288, 80, 40, 0)}}}
	bands := v.bands()
	if len(bands) != maxBands || bands[0].label != v.Labels[0]+" to "+v.Labels[5] {
		t.Errorf("%d bands, the first %q", len(bands), bands[0].label)
	}
	if got := strings.Count(render(t, AreaChart(v)), `<th scope="row">`); got != maxBands {
		t.Errorf("the table has %d rows", got)
	}
}

func TestALaneShowsAnyBacklog(t *testing.T) {
	last := 600.0
	for _, waiting := range []int64{0, 3, 1203, 3_000_000, math.MaxInt64} {
		v := LaneView{Head: waiting}
		if s := v.split(); s > last || s < 80 || waiting > 0 && s > 570 {
			t.Errorf("%d waiting: the delivered part ends at %v", waiting, s)
		} else {
			last = s
		}
	}
	v := LaneView{Delivered: 10, Head: 1213, Oldest: "14 min", Blocked: true}
	if got := fmt.Sprint(v.backlog(), v.meaning()); got != "1,203 waiting, oldest 14 minbad" {
		t.Error(got)
	}
}
