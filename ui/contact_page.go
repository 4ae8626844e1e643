package ui

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"tidings/ui/part"
)

// contactListView is the list of contacts.
type contactListView struct {
	contacts []contactJSON
	clock    part.Clock
	text     string // that was searched for
	segment  string // id; "" = all
	segments []part.Option
	filters  part.FiltersView
	pager    part.PagerView
	edits    bool
}

// Narrowed says whether the list is of a part of the contacts.
func (c *contactListView) Narrowed() bool { return c.text != "" || c.segment != "" }

func (v *visit) contactsPage() error {
	ask := v.pick("q", "after")
	c := contactListView{clock: v.clock, text: ask.Get("q"), segment: v.query("segment"), edits: v.edits(), filters: part.FiltersView{Action: "/contacts", Clear: "/contacts"}}
	if c.segment != "" {
		ask.Set("segmentId", c.segment)
	}
	var found contactsJSON
	if err := v.get("/v1/contacts", ask, &found); err != nil {
		return err
	}
	c.contacts = found.Contacts
	list, err := v.allSegments()
	if err != nil {
		return err
	}
	c.segments = segmentOptions("All contacts", list)
	if c.text != "" {
		c.filters.Active = append(c.filters.Active, part.Chip{Label: "search: " + c.text, Href: v.with("q", "")})
	}
	for _, o := range c.segments {
		if c.segment != "" && o.Value == c.segment {
			c.filters.Active = append(c.filters.Active, part.Chip{Label: "segment: " + o.Label, Href: v.with("segment", "")})
		}
	}
	c.pager = pager(v, len(found.Contacts), found.Next, "contact")
	if c.text != "" && len(found.Contacts) == 50 {
		c.pager.Summary = "the first 50 are shown: type more to find fewer"
	}
	p := view{Title: "Contacts", Purpose: "The people whom messages reach, with their addresses, fields, subscriptions and segments.", Actions: contactListActs(v.edits())}
	return v.page(p, contactList(c))
}

// pager goes on in a list whose pages are named by after.
func pager(v *visit, shown int, next *int64, noun string) part.PagerView {
	p := part.PagerView{Summary: plural(shown, noun, noun+"s") + " shown"}
	if next != nil {
		p.Next = v.with("after", decimal(*next))
	}
	if v.query("after") != "" {
		p.Previous = v.with()
	}
	return p
}

// segmentOptions are segments to choose from.
func segmentOptions(all string, list []segmentJSON) []part.Option {
	options := []part.Option{{Label: all}}
	for _, g := range list {
		options = append(options, part.Option{Value: decimal(g.ID), Label: g.Name})
	}
	return options
}

// contactPageView is the page of a contact.
type contactPageView struct {
	contactCardView
	timeline timelineView
	joinable []part.Option // lists that the contact is not on
	edits    bool
}

func (v *visit) contactPage() error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	p := contactPageView{contactCardView: contactCardView{contact: c, clock: v.clock}, edits: v.edits()}
	if p.fields, err = v.shownFields(c); err != nil {
		return err
	}
	if p.segments, err = v.segmentsOf(c.ID); err != nil {
		return err
	}
	if p.timeline, err = v.timeline(c.ID); err != nil {
		return err
	}
	if p.edits {
		all, err := v.allSegments()
		if err != nil {
			return err
		}
		p.joinable = joinable(all, p.segments)
	}
	around := view{Title: c.title(), Crumbs: []part.Link{{Label: "Contacts", Href: "/contacts"}}, Active: "/contacts"}
	if c.name() != "" {
		around.Purpose = c.label()
	}
	if p.edits {
		around.Actions = contactActs(c)
	}
	return v.page(around, contactPageOf(p))
}

// joinable gives the lists of all that a contact can be put on.
func joinable(all, in []segmentJSON) []part.Option {
	on := map[int64]bool{}
	for _, g := range in {
		on[g.ID] = true
	}
	var options []part.Option
	for _, g := range all {
		if g.isList() && !on[g.ID] {
			options = append(options, part.Option{Value: decimal(g.ID), Label: g.Name})
		}
	}
	return options
}

// contactPart answers with one part of a contact's page.
func (v *visit) contactPart() error {
	switch v.r.PathValue("part") {
	case "edit", "delete": // what a form was sent to, loaded again
		return v.redirect("/contacts/" + v.r.PathValue("part") + "/" + url.PathEscape(v.r.PathValue("id")))
	case "card":
		return v.contactCard()
	case "timeline":
		c, err := v.contact()
		if err != nil {
			return err
		}
		if !v.wantsPart() {
			return v.redirect(address(c.path(), v.r.URL.Query()))
		}
		t, err := v.timeline(c.ID)
		if err != nil {
			return err
		}
		return v.part(timelineOf(t))
	}
	return v.nothingHere()
}

// moveContact puts the contact on a list or takes it off.
func (v *visit) moveContact(act string) error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if f.text("segment") == "" {
		v.say(part.Flash{Meaning: part.Waiting, Text: "Choose a segment: nothing was changed."})
		return v.redirect(c.path())
	}
	path := "/v1/segments/" + url.PathEscape(f.text("segment"))
	var g segmentJSON
	if err := v.get(path, nil, &g); err != nil {
		return err
	}
	if err := v.post(path+"/contacts/"+act, map[string]any{"contactIds": []int64{c.ID}}, nil); err != nil {
		return err
	}
	if act == "add" {
		return v.done(c.path(), c.title()+" is in "+g.Name+" now.")
	}
	return v.done(c.path(), c.title()+" is no longer in "+g.Name+".")
}

// blockAddress puts one of the contact's addresses on the black list, or takes it off.
func (v *visit) blockAddress(operation string) error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	kind, value := f.text("type"), f.text("value")
	body := map[string]any{"channels": []map[string]string{{"type": kind, "value": value}}}
	off := strings.HasSuffix(operation, "/remove")
	if !off {
		body["reason"] = "by " + v.user.Email
	}
	if err := v.post(operation, body, nil); err != nil {
		return err
	}
	if off {
		return v.done(c.path(), "Messages may be sent to "+value+" again.")
	}
	return v.done(c.path(), "Nothing is sent to "+value+" any more, whoever has it.")
}

func (v *visit) deleteContactPage() error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Delete " + c.title(), Active: "/contacts", Crumbs: []part.Link{{Label: "Contacts", Href: "/contacts"}, {Label: c.title(), Href: c.path()}}}, part.ConfirmForm(deletionOf(c)))
}

// deletionOf asks before a contact is deleted.
func deletionOf(c *contactJSON) part.ConfirmView {
	return part.ConfirmView{
		Action: c.path() + "/delete", Button: "Delete the contact", Cancel: c.path(),
		Lost: "Delete " + c.title() + "? Erased are its addresses, fields, subscriptions and places in segments, and from the log of calls whose they were, what was sent and what came back. " +
			"Its events and activities stay until their time is over, and so does what the black list has. It can't be undone.",
	}
}

func (v *visit) deleteContact() error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	if err := v.remove("/v1/contacts/" + decimal(c.ID)); err != nil {
		return err
	}
	return v.done("/contacts", "Deleted: "+c.title()+".")
}

// blacklistAct is where an address of the contact is put on the black list or taken off.
func blacklistAct(c *contactJSON, ch channelJSON) templ.SafeURL {
	if ch.Blacklisted {
		return templ.SafeURL(c.path() + "/unblock")
	}
	return templ.SafeURL(c.path() + "/block")
}
