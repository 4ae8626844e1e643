package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

const maxSearchLimit = 1000

func (s *Server) registerSearch() {
	s.raw(s.describeSearch(), access{scope: tidings.ScopeRead}, s.search)
	s.raw(s.describeExport(), access{scope: tidings.ScopeRead}, s.export)
}

// search answers one page of a search in the feed.
func (s *Server) search(w http.ResponseWriter, r *http.Request, c caller) {
	find, err := readSearch(r.URL.RawQuery, s.cfg.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	find.Account = c.account()
	page, err := s.store.Search(r.Context(), find)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := newFoundWriter(false)
	out.buf = append(out.buf[:0], `{"activities":[`...)
	for _, f := range page.Found {
		out.add(f.Seq, f.Wire)
	}
	out.buf = append(out.buf, `],"next":`...)
	if page.Next == 0 {
		out.buf = append(out.buf, "null}\n"...)
	} else {
		out.buf = append(strconv.AppendInt(out.buf, int64(page.Next), 10), "}\n"...)
	}
	defer takenWithin(w, longestAnswer)()
	writeJSON(w, out.buf)
}

// readSearch reads a search from a query. The account is not set.
func readSearch(raw string, now time.Time) (tidings.ActivityQuery, error) {
	q := readQuery(raw)
	find := q.conditions(now)
	find.After, find.Limit = tidings.Seq(q.number("after", 0, 0, 1<<62)), int(q.number("limit", defaultLimit, 1, maxSearchLimit))
	find.Descending = q.choice("order", "asc", "desc") == "desc"
	return find, q.err()
}

// conditions reads what a search is for, without the page.
func (q *query) conditions(now time.Time) tidings.ActivityQuery {
	find := tidings.ActivityQuery{
		From: q.time("from", false), To: q.time("to", true),
		Email: q.text("email"), SMS: digits(q.text("sms")), MessageTag: q.text("messageTag"),
		MobilePush: q.text("mobilepush"), WebPush: q.text("webpush"),
		ContactID: q.number("contactId", 0, 1, 1<<63-1), MessageID: q.number("messageId", 0, 1, 1<<63-1),
	}
	for _, name := range q.words("status") {
		st, err := tidings.ParseStatus(name)
		if err != nil {
			q.fault("status", "%s", err)
			continue
		}
		find.Filter.Statuses = find.Filter.Statuses.With(st)
	}
	for _, name := range q.words("mediaType") {
		m, err := tidings.ParseMediaType(name)
		if err != nil {
			q.fault("mediaType", "%s", err)
			continue
		}
		find.Filter.MediaTypes = find.Filter.MediaTypes.With(m)
	}
	if find.To.IsZero() {
		find.To = now.UTC()
	}
	switch {
	case find.From.IsZero() && !q.faulty("from"):
		q.fault("from", "is required: the search needs a time to start at")
	case find.From.IsZero(): // said already
	case !find.To.After(find.From):
		q.fault("to", "must be after from")
	case find.To.Sub(find.From) > tidings.MaxSearchInterval:
		q.fault("to", "is more than %d days after from: the longest interval of one search is 3 months", int(tidings.MaxSearchInterval.Hours()/24))
	}
	return find
}

// digits leaves out what people write between the digits of a phone number.
func digits(phone string) string {
	out := make([]byte, 0, len(phone))
	for _, b := range []byte(phone) {
		switch b {
		case '+', ' ', '-', '(', ')':
		default:
			out = append(out, b)
		}
	}
	return string(out)
}

// conditionParams describes what conditions reads.
func conditionParams() []*huma.Param {
	text := func(name, doc string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: doc, Schema: &huma.Schema{Type: "string", MaxLength: ptr(maxText)}}
	}
	names := func(name, doc string, all []string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: doc, Explode: ptr(false), Schema: &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string", Enum: anys(all)}}}
	}
	from := text("from", "activityDateTime from here on: a day (2026-01-31), a time in UTC (2026-01-31T15:04:05), or a time with a zone.")
	from.Required = true
	return []*huma.Param{
		from,
		text("to", "… and before this; a day stands for its end, so that it is included. Default: now."),
		text("email", "The contact's email, in any case."), text("sms", "The contact's phone: sms or viber."),
		names("status", "Any of these, separated by commas.", tidings.Statuses()),
		names("mediaType", "Any of these, separated by commas.", tidings.MediaTypes()),
		numberParam("contactId", "The contact's id.", nil, 1, 1<<62), numberParam("messageId", "The message's id.", nil, 1, 1<<62),
		text("messageTag", "One of the activity's tags."),
		text("mobilepush", "Subscriber token of mobile push."), text("webpush", "Subscriber token of web push."),
	}
}

func (s *Server) describeSearch() huma.Operation {
	return huma.Operation{
		OperationID: "search-activities", Method: http.MethodGet, Path: "/v1/activities/search", Tags: []string{"Activities"},
		Summary: "Search activities in a time interval",
		Description: "All conditions must hold. The interval is at most 3 months (92 days). " +
			"For the next page, ask again with after = next, until next is null.",
		Parameters: append(
			conditionParams(),
			numberParam("after", "next of the page before.", 0, 0, 1<<62),
			numberParam("limit", "The most activities of a page.", defaultLimit, 1, maxSearchLimit),
			&huma.Param{Name: "order", In: "query", Description: "By seq: asc = oldest first, desc = newest first.", Schema: &huma.Schema{Type: "string", Enum: []any{"asc", "desc"}, Default: "asc"}},
		),
		Responses: map[string]*huma.Response{"200": {Description: "One page.", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
			Type: "object", Required: []string{"activities", "next"},
			Properties: map[string]*huma.Schema{
				"activities": {Type: "array", Items: foundSchema()},
				"next":       {Type: "integer", Nullable: true, Description: "after of the next page; null on the last."},
			},
		}}}}},
		Errors:     []int{400, 503},
		Extensions: curl(`curl "$TIDINGS/v1/activities/search?from=2026-01-01&to=2026-01-31&status=CLICKED,READ" -H "Authorization: Bearer $KEY"`),
	}
}
