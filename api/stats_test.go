package api_test

import (
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api"
)

// statsDay is the day of the tests of figures, at half past ten.
func statsDay() time.Time { return time.Date(2026, 3, 14, 10, 30, 0, 0, time.UTC) }

func stepped(subject string, at time.Time, done, failed int64) tidings.Tally {
	t := tidings.Tally{Account: 1, Kind: tidings.TallyCall, Subject: subject, At: at, Done: done, Failed: failed}
	for range done {
		t.Took.Add(10 * time.Millisecond)
	}
	return t
}

// statsWorld has figures of two webhooks, some of them stored and some in memory.
func statsWorld(t *testing.T) (*world, string) {
	w := newWorld(t, func(cfg *api.Config) {
		cfg.Now = func() time.Time { return statsDay().Add(30 * time.Second) }
		cfg.Running = func(q *tidings.TallyQuery) tidings.RunningTallies {
			out := tidings.RunningTallies{Writer: 5, Since: statsDay().Add(-time.Minute)}
			for _, tally := range []tidings.Tally{stepped("1", statsDay().Add(-time.Minute), 2, 0), stepped("1", statsDay(), 1, 0), stepped("3/x", statsDay(), 1, 0)} {
				if q.Kind == tally.Kind && q.Wants(tally.Subject) && !tally.At.Before(q.From) {
					out.Tallies = append(out.Tallies, tally)
				}
			}
			return out
		}
	})
	key := w.Account("shop")
	stored := []tidings.Tally{
		stepped("1", statsDay().Add(-time.Hour), 4, 1),
		stepped("1", statsDay().Add(-time.Minute), 2, 0), // which is in memory still
		stepped("2", statsDay().Add(-25*time.Hour), 7, 0),
	}
	if err := w.Store.AddTallies(t.Context(), 5, stored); err != nil {
		t.Fatal(err)
	}
	return w, key
}

func TestStatsAddUpWhatIsStoredAndWhatRuns(t *testing.T) {
	w, key := statsWorld(t)
	const times = `"p50Ms":9.87,"p99Ms":10.744`
	for _, c := range []struct{ query, want string }{
		{"kind=call&subject=1&step=minute", `{"series":[{"subject":"1","done":7,"failed":1,P,"points":[` +
			`{"at":"2026-03-14T09:30:00Z","done":4,"failed":1,P},{"at":"2026-03-14T10:29:00Z","done":2,"failed":0,P},{"at":"2026-03-14T10:30:00Z","done":1,"failed":0,P}]}],"next":null}`},
		{"kind=call&subject=1", `{"series":[{"subject":"1","done":7,"failed":1,P,"points":[` +
			`{"at":"2026-03-14T09:00:00Z","done":4,"failed":1,P},{"at":"2026-03-14T10:00:00Z","done":3,"failed":0,P}]}],"next":null}`},
		{"kind=call&step=total&from=2026-03-13T00:00:00Z&limit=1", `{"series":[{"subject":"1","done":7,"failed":1,P,"points":[]}],"next":"1"}`},
		{"kind=call&step=total&from=2026-03-13T00:00:00Z&limit=2&after=1", `{"series":[{"subject":"2","done":7,"failed":0,P,"points":[]},{"subject":"3/x","done":1,"failed":0,P,"points":[]}],"next":null}`},
		{"kind=call&step=total&prefix=3/", `{"series":[{"subject":"3/x","done":1,"failed":0,P,"points":[]}],"next":null}`},
		{"kind=call&step=day&prefix=2&from=2026-03-10T00:00:00Z", `{"series":[{"subject":"2","done":7,"failed":0,P,"points":[{"at":"2026-03-13T00:00:00Z","done":7,"failed":0,P}]}],"next":null}`},
		{"kind=run", `{"series":[],"next":null}`},
	} {
		got := w.Request(key, "GET /v1/stats?"+c.query, "").Want(200).Body
		if want := strings.NewReplacer("P,", times+",", "P}", times+"}").Replace(c.want) + "\n"; want != got {
			t.Errorf("%s\ngot  %swant %s", c.query, got, want)
		}
	}
}

func TestStatsOfAnotherAccountAreNotShown(t *testing.T) {
	w, _ := statsWorld(t)
	w.Request(w.Account("other"), "GET /v1/stats?kind=call&step=total&subject=2", "").Want(200).Has("next", nil)
	if got := w.Request(w.Account("third"), "GET /v1/stats?kind=call&step=total&subject=2&from=2026-03-01T00:00:00Z", "").Want(200).Body; got != `{"series":[],"next":null}`+"\n" {
		t.Error(got)
	}
}

func TestStatsRefuseWhatTheyCannotAnswer(t *testing.T) {
	w, key := statsWorld(t)
	for query, word := range map[string]string{
		"":                                    "kind",
		"kind=mails":                          "kind",
		"kind=call&step=week":                 "step",
		"kind=call&subject=1&prefix=1":        "prefix",
		"kind=call&from=today":                "from",
		"kind=call&from=2026-03-15T00:00:00Z": "after from",
		"kind=call&step=minute&from=2026-03-12T00:00:00Z": "1440",
		"kind=call&limit=201":                             "limit",
	} {
		if got := w.Request(key, "GET /v1/stats?"+query, "").Want(400).Body; !strings.Contains(got, word) {
			t.Errorf("%q: %s", query, got)
		}
	}
}
