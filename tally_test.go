package tidings_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func TestTallySubjectReadsAsItIsStored(t *testing.T) {
	for _, c := range []struct {
		subject tidings.TallySubject
		want    string
	}{
		{tidings.TallySubject{}, ""},
		{tidings.TallySubject{ID: 12}, "12"},
		{tidings.TallySubject{ID: 12, Block: "letter"}, "12/letter"},
	} {
		if got := c.subject.String(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.subject, got, c.want)
		}
	}
}

func TestQuantilesAreWithinAFifth(t *testing.T) {
	var took tidings.Took
	for ms := 1; ms <= 1000; ms++ {
		took.Add(time.Duration(ms) * time.Millisecond)
	}
	for _, c := range []struct {
		part float64
		want time.Duration
	}{
		{0.5, 500 * time.Millisecond},
		{0.99, 990 * time.Millisecond},
		{1, time.Second},
		{0.001, time.Millisecond},
	} {
		got := took.Quantile(c.part)
		if ratio := float64(got) / float64(c.want); ratio < 0.8 || ratio > 1.2 {
			t.Errorf("quantile %v is %v, want about %v", c.part, got, c.want)
		}
	}
}

func TestQuantilesOfTheShortestAndTheLongest(t *testing.T) {
	var none, short, long tidings.Took
	short.Add(0)
	long.Add(time.Hour)
	if got := none.Quantile(0.5); got != 0 {
		t.Errorf("of none it is %v", got)
	}
	if got := short.Quantile(0.5); got > 50*time.Microsecond {
		t.Errorf("of the shortest it is %v", got)
	}
	if got := long.Quantile(0.5); got < 100*time.Second || got > 110*time.Second {
		t.Errorf("of the longest it is %v", got)
	}
}

func TestMergedTimesCountBothAndLeaveTheOther(t *testing.T) {
	var a, b tidings.Took
	a.Add(time.Millisecond)
	b.Add(time.Second)
	var sum tidings.Took
	sum.Merge(&a)
	sum.Merge(&b)
	if sum.Count() != 2 || a.Count() != 1 || b.Count() != 1 {
		t.Errorf("counts are %d, %d and %d", sum.Count(), a.Count(), b.Count())
	}
}

func TestAddUpMakesOneTallyOfASubjectAndTime(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	got := tidings.AddUp([]tidings.Tally{
		{Subject: "b", At: at, Done: 1},
		{Subject: "a", At: at.Add(time.Minute), Done: 2},
		{Subject: "a", At: at, Failed: 3},
		{Subject: "a", At: at, Done: 4},
		{Account: 1, Kind: tidings.TallyDelivered, Subject: "a", At: at, Done: 7},
		{Account: 1, Kind: tidings.TallyAnswered, Subject: "a", At: at, Done: 5},
		{Account: 2, Kind: tidings.TallyAnswered, Subject: "a", At: at, Done: 6},
	})
	want := []tidings.Tally{
		{Subject: "a", At: at, Done: 4, Failed: 3},
		{Subject: "a", At: at.Add(time.Minute), Done: 2},
		{Subject: "b", At: at, Done: 1},
		{Account: 1, Kind: tidings.TallyAnswered, Subject: "a", At: at, Done: 5},
		{Account: 1, Kind: tidings.TallyDelivered, Subject: "a", At: at, Done: 7},
		{Account: 2, Kind: tidings.TallyAnswered, Subject: "a", At: at, Done: 6},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tidings.Took{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzDecodeTook(f *testing.F) {
	var took tidings.Took
	took.Add(time.Millisecond)
	took.Add(time.Minute)
	f.Add(took.Encode())
	f.Add([]byte{85, 1})
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		took, err := tidings.DecodeTook(b)
		if err != nil {
			return
		}
		again, err := tidings.DecodeTook(took.Encode())
		if err != nil {
			t.Fatalf("what was read from %x can't be read again: %v", b, err)
		}
		if diff := cmp.Diff(took, again, cmp.AllowUnexported(tidings.Took{})); diff != "" {
			t.Errorf("it changes: %s", diff)
		}
		if took.Count() < 0 || took.Quantile(0.5) > took.Quantile(0.99) {
			t.Errorf("%x counts %d, with quantiles %v and %v", b, took.Count(), took.Quantile(0.5), took.Quantile(0.99))
		}
	})
}
