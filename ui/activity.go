package ui

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerActivities() {
	s.look("/activities", (*visit).activitiesPage)
	s.look("/activities/{seq}", (*visit).activityPage)
	s.look("/activities/export", (*visit).exportActivities)
	s.look("/activities/export/progress", (*visit).exportProgress)
}

// found is an activity as a search finds it.
type found struct {
	Seq      int64           `json:"seq"`
	Activity json.RawMessage `json:"activity"`

	wireActivity `json:"-"`
}

// wireActivity is what lists show of an activity.
type wireActivity struct {
	ContactID   int64  `json:"contactId"`
	Email       string `json:"email"`
	SMS         string `json:"sms"`
	Viber       string `json:"viber"`
	Status      string `json:"activityStatus"`
	MediaType   string `json:"mediaType"`
	At          string `json:"activityDateTime"`
	MessageID   int64  `json:"messageId"`
	MessageName string `json:"messageName"`
	BroadcastID int64  `json:"broadcastId"`
	WorkflowID  int64  `json:"workflowId"`
	Description string `json:"statusDescription"`
	Link        string `json:"clickEventLink"`
}

// stretch is a stretch of time that the list offers.
type stretch struct {
	Name, Label string
	For         time.Duration
}

func stretches() []stretch {
	const day = 24 * time.Hour
	return []stretch{{"hour", "Last hour", time.Hour}, {"day", "24 hours", day}, {"week", "7 days", 7 * day}, {"month", "30 days", 30 * day}, {"quarter", "90 days", 90 * day}}
}

// activitiesView is the list of activities.
type activitiesView struct {
	clock                                  part.Clock
	Found                                  []found
	Email, SMS, Status, MediaType, Message string
	Tag, From, To, Last                    string
	Stretches                              []part.Chip
	Newest, Older                          string
	Wrong                                  *refusal
	NDJSON, CSV, Progress                  string // addresses of the export
	Filtered                               bool
}

func (v *visit) activitiesPage() error {
	a := activitiesView{
		clock: v.clock, Email: v.query("email"), SMS: v.query("sms"), Status: v.query("status"), MediaType: v.query("mediaType"),
		Message: v.query("messageId"), Tag: v.query("messageTag"), From: v.query("from"), To: v.query("to"), Last: v.query("last"),
	}
	conditions := v.activityConditions()
	a.Filtered = len(v.pick("email", "sms", "status", "mediaType", "messageId", "messageTag")) > 0
	v.offerStretches(&a)
	v.offerExport(&a, conditions)
	q := clone(conditions)
	q.Set("order", "desc")
	q.Set("limit", "50")
	if after := v.query("after"); after != "" {
		q.Set("after", after)
		a.Newest = v.with()
	}
	var out struct {
		Activities []found `json:"activities"`
		Next       *int64  `json:"next"`
	}
	err := v.get("/v1/activities/search", q, &out)
	if r, refused := wrong(err); refused {
		a.Wrong = r
		v.wrongForm()
	} else if err != nil {
		return err
	}
	for i := range out.Activities {
		if err := json.Unmarshal(out.Activities[i].Activity, &out.Activities[i].wireActivity); err != nil {
			return fmt.Errorf("activity %d: %w", out.Activities[i].Seq, err)
		}
	}
	a.Found = out.Activities
	if out.Next != nil {
		a.Older = v.with("after", decimal(*out.Next))
	}
	return v.page(view{Title: "Activities", Purpose: "What became of messages: one line for each thing that a contact did or that happened to a message.", Wide: true}, activitiesPage(a))
}

// activityConditions gives the search of the page's address, as the API takes
// it: without a time it is the last day.
func (v *visit) activityConditions() url.Values {
	q := v.pick("email", "sms", "status", "mediaType", "messageId", "messageTag", "from", "to")
	v.instant(q, "from")
	v.instant(q, "to")
	if q.Get("from") == "" {
		last := 24 * time.Hour
		for _, s := range stretches() {
			if s.Name == v.query("last") {
				last = s.For
			}
		}
		q.Set("from", v.clock.Now.Add(-last).UTC().Format(time.RFC3339))
	}
	return q
}

func (v *visit) offerStretches(a *activitiesView) {
	own := a.From != "" || a.To != ""
	if a.Last == "" && !own {
		a.Last = "day"
	}
	for _, s := range stretches() {
		a.Stretches = append(a.Stretches, part.Chip{Label: s.Label, Href: v.with("last", s.Name, "from", "", "to", ""), On: !own && s.Name == a.Last})
	}
}

func clone(q url.Values) url.Values {
	c := url.Values{}
	for name, values := range q {
		c[name] = slices.Clone(values)
	}
	return c
}

// When gives the activity's time; it is of UTC.
func (w wireActivity) When() time.Time {
	t, err := time.Parse("2006-01-02T15:04:05", w.At)
	if err != nil {
		return time.Time{} // the feed takes no other form
	}
	return t
}

// Who names the contact by what the activity has of it.
func (w wireActivity) Who() string {
	for _, name := range []string{w.Email, w.SMS, w.Viber} {
		if name != "" {
			return name
		}
	}
	return "contact " + decimal(w.ContactID)
}

// What says what else is known: why it failed, which link was clicked.
func (w wireActivity) What() string {
	for _, text := range []string{w.Description, w.Link, w.MessageName} {
		if text != "" {
			return text
		}
	}
	if w.MessageID != 0 {
		return "message " + decimal(w.MessageID)
	}
	return ""
}

// statusMeaning is how an activity's status is coloured.
func statusMeaning(status string) part.Meaning {
	switch status {
	case "UNDELIVERED", "SPAM":
		return part.Bad
	case "UNSUBSCRIBED":
		return part.Waiting
	case "READ", "CLICKED", "DELIVERED":
		return part.Good
	}
	return part.Quiet
}

// inWords writes a status as people say it: "subscription changed".
func inWords(status string) string { return strings.ToLower(strings.ReplaceAll(status, "_", " ")) }

func anyStatus() []part.Option {
	return nameOptions("All statuses", tidings.Statuses())
}

func anyChannel() []part.Option {
	return nameOptions("All channels", tidings.MediaTypes())
}

func nameOptions(all string, names []string) []part.Option {
	options := []part.Option{{Value: "", Label: all}}
	for _, name := range names {
		options = append(options, part.Option{Value: name, Label: inWords(name)})
	}
	return options
}

// activityView is the page of one activity.
type activityView struct {
	clock part.Clock
	Found found
}

func (v *visit) activityPage() error {
	seq, err := v.id("seq")
	if err != nil {
		return err
	}
	var list []found
	if err := v.get("/v1/activities", url.Values{"after": {strconv.FormatInt(seq-1, 10)}, "limit": {"1"}}, &list); err != nil {
		return err
	}
	if len(list) == 0 || list[0].Seq != seq {
		return v.nothingHere()
	}
	a := activityView{clock: v.clock, Found: list[0]}
	if err := json.Unmarshal(a.Found.Activity, &a.Found.wireActivity); err != nil {
		return fmt.Errorf("activity %d: %w", seq, err)
	}
	return v.page(view{
		Title: "Activity " + count(seq), Purpose: inWords(a.Found.Status) + " · " + a.Found.Who(), Active: "/activities",
		Crumbs: []part.Link{{Label: "Activities", Href: "/activities"}},
	}, activityPage(a))
}

// fault is what is wrong with a condition.
func (a activitiesView) fault(field string) string {
	if a.Wrong == nil {
		return ""
	}
	return a.Wrong.Errors.of(field)
}
