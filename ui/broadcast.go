package ui

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerBroadcasts() {
	s.look("/messages/broadcasts", (*visit).broadcastsPage)
	s.edit("/messages/broadcasts/new", (*visit).newBroadcastPage)
	s.act("/messages/broadcasts/review", (*visit).reviewBroadcast)
	s.act("/messages/broadcasts", (*visit).createBroadcast)
	s.look("/messages/broadcasts/{id}", (*visit).broadcastPage)
	s.edit("/messages/broadcasts/{id}/{act}", (*visit).askAboutBroadcast)
	s.act("/messages/broadcasts/{id}/pause", func(v *visit) error {
		return v.actOnBroadcast("pause", "Paused. Mails that were on their way still go; all others wait.")
	})
	s.act("/messages/broadcasts/{id}/resume", func(v *visit) error { return v.actOnBroadcast("resume", "It goes on where it was.") })
	s.act("/messages/broadcasts/{id}/cancel", func(v *visit) error {
		return v.actOnBroadcast("cancel", "Canceled. What was sent is sent; the rest was dropped.")
	})
}

// broadcast is a message on its way to a segment.
type broadcast struct {
	ID        int64       `json:"id"`
	Name      string      `json:"name"`
	MessageID int64       `json:"messageId"`
	SegmentID int64       `json:"segmentId"`
	At        time.Time   `json:"at"`
	PerMinute *int64      `json:"perMinute"`
	State     string      `json:"state"`
	Progress  mailFigures `json:"progress"`
	CreatedAt time.Time   `json:"createdAt"`
	EndedAt   *time.Time  `json:"endedAt"`
}

type mailFigures struct {
	Total   int64   `json:"total"`
	Queued  int64   `json:"queued"`
	Skipped int64   `json:"skipped"`
	Sent    int64   `json:"sent"`
	Failed  int64   `json:"failed"`
	Waiting int64   `json:"waiting"`
	Percent float64 `json:"percent"`
}

// settled is how many contacts nothing more is to be done for.
func (p mailFigures) settled() int64 { return min(p.Sent+p.Failed+p.Skipped, p.Total) }

// status says a broadcast's state in a word.
func (b *broadcast) status() (part.Meaning, string) {
	switch b.State {
	case "scheduled":
		return part.Waiting, "scheduled"
	case "running":
		return part.Good, "running"
	case "paused":
		return part.Waiting, "paused"
	case "done":
		if b.Progress.Waiting > 0 {
			return part.Good, "all made, on their way"
		}
		return part.Good, "done"
	}
	return part.Quiet, b.State
}

// moves says whether its figures still change by themselves.
func (b *broadcast) moves() bool {
	return b.State == "running" || b.State == "scheduled" || b.State == "done" && b.Progress.Waiting > 0
}

// pace says how fast it goes.
func (b *broadcast) pace() string {
	if b.PerMinute == nil {
		return "as fast as it goes"
	}
	return plural(*b.PerMinute, "mail a minute at most", "mails a minute at most")
}

// names gives what ids are called; an id of something deleted has none.
type names map[int64]string

func (n names) of(what string, id int64) string {
	if name := n[id]; name != "" {
		return name
	}
	return what + " " + decimal(id)
}

// named is the id and the name of one of many.
type named struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func namesOf(list []named) names {
	n := make(names, len(list))
	for _, each := range list {
		n[each.ID] = each.Name
	}
	return n
}

// segments lists the segments of the account.
func (v *visit) segments() ([]named, error) {
	var list struct {
		Segments []named `json:"segments"`
	}
	err := v.get("/v1/segments", nil, &list)
	return list.Segments, err
}

// messageNames lists the messages of the account that are live, the first hundred of them.
func (v *visit) messageNames() ([]named, error) {
	var list struct {
		Messages []named `json:"messages"`
	}
	err := v.get("/v1/messages", nil, &list)
	return list.Messages, err
}

// broadcastList is what the list of broadcasts shows.
type broadcastList struct {
	Broadcasts         []broadcast
	Messages, Segments names
	Clock              part.Clock
	Edits              bool
	Pager              part.PagerView
}

func (v *visit) broadcastsPage() error {
	list := broadcastList{Clock: v.clock, Edits: v.edits()}
	var page struct {
		Broadcasts []broadcast `json:"broadcasts"`
		Next       *int64      `json:"next"`
	}
	if err := v.get("/v1/broadcasts", v.pick("before"), &page); err != nil {
		return err
	}
	list.Broadcasts = page.Broadcasts
	list.Pager = v.olderPages(page.Next, len(page.Broadcasts))
	if len(list.Broadcasts) > 0 {
		messages, err := v.messageNames()
		if err != nil {
			return err
		}
		segments, err := v.segments()
		if err != nil {
			return err
		}
		list.Messages, list.Segments = namesOf(messages), namesOf(segments)
	}
	p := view{Title: "Broadcasts", Purpose: "A message, sent once to everybody in a segment."}
	if list.Edits && len(list.Broadcasts) > 0 {
		p.Actions = part.LinkButton("New broadcast", "/messages/broadcasts/new", part.Primary)
	}
	return v.page(p, broadcastsPage(list))
}

// olderPages walks a list from the newest back.
func (v *visit) olderPages(next *int64, shown int) part.PagerView {
	p := part.PagerView{}
	if next != nil {
		p.Next = v.with("before", decimal(*next))
	}
	if v.query("before") != "" {
		p.Previous = v.with()
	}
	if p.Next != "" || p.Previous != "" {
		p.Summary = count(shown) + " shown"
	}
	return p
}

// broadcastForm is a broadcast as it is typed.
type broadcastForm struct {
	Name, MessageID, SegmentID, At, PerMinute string

	MessageName string
	Segments    []named
	Zone        string
	Refused     *refusal
}

func (f *broadcastForm) fault(field string) string {
	if f.Refused == nil {
		return ""
	}
	return f.Refused.Errors.of(field)
}

// query is the form's address: what is typed goes back and forth by it.
func (f *broadcastForm) query() string {
	q := url.Values{}
	for name, value := range map[string]string{"name": f.Name, "messageId": f.MessageID, "segmentId": f.SegmentID, "at": f.At, "perMinute": f.PerMinute} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return address("/messages/broadcasts/new", q)
}

func (f *broadcastForm) segmentOptions() []part.Option {
	options := []part.Option{{Value: "", Label: "Choose…"}}
	for _, g := range f.Segments {
		options = append(options, part.Option{Value: decimal(g.ID), Label: g.Name})
	}
	return options
}

func broadcastView(title string) view {
	return view{Title: title, Crumbs: []part.Link{{Label: "Broadcasts", Href: "/messages/broadcasts"}}, Active: "/messages/broadcasts"}
}

func (v *visit) newBroadcastPage() error {
	f := broadcastForm{
		Name: v.query("name"), MessageID: v.query("messageId"), SegmentID: v.query("segmentId"), At: v.query("at"), PerMinute: v.query("perMinute"),
	}
	return v.showBroadcastForm(&f)
}

// showBroadcastForm shows the form with what was typed.
func (v *visit) showBroadcastForm(f *broadcastForm) error {
	var err error
	if f.Segments, err = v.segments(); err != nil {
		return err
	}
	if f.MessageID != "" {
		var m named
		if err := v.get("/v1/messages/"+url.PathEscape(f.MessageID), nil, &m); err == nil {
			f.MessageName = m.Name
		}
	}
	f.Zone = v.zoneName()
	return v.page(broadcastView("New broadcast"), broadcastFormPage(f))
}

// zoneName is what the account's zone is called.
func (v *visit) zoneName() string {
	if v.clock.Zone == nil {
		return "UTC"
	}
	return v.clock.Zone.String()
}

// localTime is how a browser's field of date and time writes it.
const localTime = "2006-01-02T15:04"

// moment reads a date and time of a browser's field, in the account's zone.
func (v *visit) moment(f *form, name string) (at *time.Time) {
	text := f.text(name)
	if text == "" {
		return nil
	}
	zone := v.clock.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range []string{localTime, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			t = t.UTC()
			return &t
		}
	}
	f.faults.add(name, "must be a date and a time such as 2026-01-31T15:04")
	return nil
}

// newBroadcast is what the API is asked for.
type newBroadcast struct {
	Name      string `json:"name"`
	MessageID *int64 `json:"messageId,omitempty"`
	SegmentID *int64 `json:"segmentId,omitempty"`
	At        string `json:"at,omitempty"`
	PerMinute *int64 `json:"perMinute,omitempty"`
}

// typedBroadcast reads the form. What can't be read is refused in it.
func (v *visit) typedBroadcast() (f broadcastForm, asked newBroadcast, at *time.Time, err error) {
	typed, err := v.form()
	if err != nil {
		return f, asked, nil, err
	}
	f = broadcastForm{
		Name: typed.text("name"), MessageID: typed.text("messageId"), SegmentID: typed.text("segmentId"),
		At: typed.text("at"), PerMinute: typed.text("perMinute"),
	}
	asked = newBroadcast{Name: f.Name, MessageID: typed.number("messageId"), SegmentID: typed.number("segmentId"), PerMinute: typed.number("perMinute")}
	if at = v.moment(typed, "at"); at != nil {
		asked.At = at.Format(time.RFC3339)
	}
	if len(typed.faults) > 0 {
		f.Refused = &refusal{Status: http.StatusUnprocessableEntity, Detail: "Some of it can't be read: nothing was made.", Errors: typed.faults}
	}
	return f, asked, at, nil
}

// broadcastReview is what is looked at before a broadcast is made.
type broadcastReview struct {
	Form     *broadcastForm
	Message  message
	Segment  string
	Contacts int64
	At       *time.Time
	Clock    part.Clock
}

// reviewBroadcast says who will get what, and when, before anything is made.
func (v *visit) reviewBroadcast() error {
	f, asked, at, err := v.typedBroadcast()
	if err != nil {
		return err
	}
	if f.Refused == nil {
		f.Refused = f.lacks(&asked)
	}
	if f.Refused != nil {
		v.wrongForm()
		return v.showBroadcastForm(&f)
	}
	review := broadcastReview{Form: &f, At: at, Clock: v.clock}
	if err := v.get("/v1/messages/"+decimal(*asked.MessageID), nil, &review.Message); err != nil {
		return err
	}
	var segment named
	if err := v.get("/v1/segments/"+decimal(*asked.SegmentID), nil, &segment); err != nil {
		return err
	}
	review.Segment = segment.Name
	var members struct {
		Count int64 `json:"count"`
	}
	if err := v.get("/v1/segments/"+decimal(*asked.SegmentID)+"/count", nil, &members); err != nil {
		return err
	}
	review.Contacts = members.Count
	return v.page(broadcastView("Send this?"), broadcastReviewPage(&review))
}

// lacks says what must be there before there is anything to look at.
func (f *broadcastForm) lacks(asked *newBroadcast) *refusal {
	var missing faults
	if asked.Name == "" {
		missing.add("name", "is required")
	}
	if asked.MessageID == nil {
		missing.add("messageId", "choose what is sent")
	}
	if asked.SegmentID == nil {
		missing.add("segmentId", "choose to whom it is sent")
	}
	if len(missing) == 0 {
		return nil
	}
	return &refusal{Status: http.StatusUnprocessableEntity, Detail: "Something is missing: nothing was made.", Errors: missing}
}

func (v *visit) createBroadcast() error {
	f, asked, _, err := v.typedBroadcast()
	if err != nil {
		return err
	}
	var made broadcast
	if f.Refused == nil {
		err = v.post("/v1/broadcasts", asked, &made)
		if refused, ok := wrong(err); ok {
			f.Refused, err = refused, nil
		}
		if err != nil {
			return err
		}
	}
	if f.Refused != nil {
		v.wrongForm()
		return v.showBroadcastForm(&f)
	}
	said := "It begins now."
	if made.At.After(v.clock.Now) {
		said = "It begins at " + v.clock.DateTime(made.At) + "."
	}
	return v.done("/messages/broadcasts/"+decimal(made.ID), said)
}

// shownBroadcast is what a broadcast's page shows.
type shownBroadcast struct {
	broadcast
	Message, Segment string
	Clock            part.Clock
	Edits            bool
}

func (v *visit) broadcastPage() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	shown := shownBroadcast{Clock: v.clock, Edits: v.edits()}
	if err := v.get("/v1/broadcasts/"+decimal(id), nil, &shown.broadcast); err != nil {
		return err
	}
	if v.wantsPart() {
		if v.query("state") != shown.State {
			v.w.Header().Set("HX-Refresh", "true") // other acts are possible now
		}
		return v.part(broadcastProgress(&shown))
	}
	if shown.Message, err = v.nameOf("/v1/messages/", "Message", shown.MessageID); err != nil {
		return err
	}
	if shown.Segment, err = v.nameOf("/v1/segments/", "Segment", shown.SegmentID); err != nil {
		return err
	}
	p := broadcastView(shown.Name)
	p.Actions = broadcastActs(&shown)
	return v.page(p, broadcastPage(&shown))
}

// nameOf gives the name of a thing, or its number when it is not there any more.
func (v *visit) nameOf(path, what string, id int64) (string, error) {
	var thing named
	err := v.get(path+decimal(id), nil, &thing)
	if isNotFound(err) {
		return what + " " + decimal(id) + ", which was deleted", nil
	}
	return thing.Name, err
}

// broadcastAsk is what is asked before an act on a broadcast.
type broadcastAsk struct {
	Act, Label, Lost string
	Kind             part.Kind
	States           []string // in which it is possible
}

func broadcastAsks() []broadcastAsk {
	return []broadcastAsk{
		{"pause", "Pause", "Mails that are made wait, too; a few that are on their way still go. It can go on where it was.", part.Primary, []string{"scheduled", "running"}},
		{"resume", "Go on", "It goes on where it was: contacts who have had the mail don't get it twice.", part.Primary, []string{"paused"}},
		{"cancel", "Cancel the broadcast", "Mails that wait are dropped, and no more are made. What was sent is sent. A canceled broadcast can't go on.", part.Danger, []string{"scheduled", "running", "paused"}},
	}
}

// asks are the acts that are possible now.
func (b *shownBroadcast) asks() []broadcastAsk {
	return slices.DeleteFunc(broadcastAsks(), func(a broadcastAsk) bool { return !b.Edits || !slices.Contains(a.States, b.State) })
}

// askAboutBroadcast asks on a page of its own: browsers without script have no dialogs.
func (v *visit) askAboutBroadcast() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var b broadcast
	if err := v.get("/v1/broadcasts/"+decimal(id), nil, &b); err != nil {
		return err
	}
	for _, a := range broadcastAsks() {
		if a.Act == v.r.PathValue("act") {
			return v.page(broadcastView(a.Label+": "+b.Name), broadcastAskForm(&b, a))
		}
	}
	return v.nothingHere()
}

func (v *visit) actOnBroadcast(act, said string) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	if err := v.post("/v1/broadcasts/"+decimal(id)+"/"+act, nil, nil); err != nil {
		return err
	}
	return v.done("/messages/broadcasts/"+decimal(id), said)
}
