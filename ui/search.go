package ui

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"tidings/ui/part"
)

func (s *Server) registerSearch() {
	s.look("/search", (*visit).search)
}

// hit is something that a search found.
type hit struct {
	Href, Kind, Title, Note string
}

// searchView is the page of a search.
type searchView struct {
	Text string
	Hits []hit
}

// hitsOfAKind is the most hits of one kind: a search leads on, it does not list.
const hitsOfAKind = 5

func (v *visit) search() error {
	text := strings.TrimSpace(v.query("q"))
	s := searchView{Text: text}
	if text != "" {
		hits, err := v.find(text)
		if err != nil {
			return err
		}
		s.Hits = hits
	}
	if v.wantsPart() {
		return v.part(searchHits(s))
	}
	return v.page(view{Title: "Search", Purpose: "Contacts by email, phone or id; all else by name."}, searchPage(s))
}

// searched is a list of the API that is searched by name.
type searched struct {
	path, list string // of the API, and the name of the list in its answer
	kind       string
	href       string // what an id is added to
	whole      bool   // the list has no pages
}

func searchedLists() []searched {
	return []searched{
		{"/v1/workflows", "workflows", "Workflow", "/automation/workflows/", false},
		{"/v1/webhooks", "webhooks", "Webhook", "/automation/webhooks/", false},
		{"/v1/messages", "messages", "Message", "/messages/", false},
		{"/v1/endpoints", "endpoints", "Address", "/settings/laboratory/", false},
		{"/v1/segments", "segments", "Segment", "/contacts/segments/", true},
		{"/v1/event-types", "types", "Event", "/contacts/events?eventTypeKey=", false},
	}
}

// find looks everywhere for a text; pages come first, they cost nothing.
func (v *visit) find(text string) ([]hit, error) {
	hits := v.findPages(text)
	contacts, err := v.findContacts(text)
	if err != nil {
		return nil, err
	}
	hits = append(hits, contacts...)
	for _, list := range searchedLists() {
		found, err := v.findNamed(list, text)
		if err != nil {
			return nil, err
		}
		hits = append(hits, found...)
	}
	return hits, nil
}

func (v *visit) findPages(text string) []hit {
	var hits []hit
	try := func(l part.Link, under string) {
		if l.Href != "" && strings.Contains(strings.ToLower(l.Label), strings.ToLower(text)) {
			hits = append(hits, hit{l.Href, "Page", l.Label, under})
		}
	}
	for _, group := range part.DefaultNav(v.user.Operator) {
		try(group.Link, "")
		for _, l := range group.Under {
			try(l, group.Label)
		}
	}
	return hits[:min(len(hits), hitsOfAKind)]
}

// findContacts knows contacts by the beginning of what they are called and
// reached by.
func (v *visit) findContacts(text string) ([]hit, error) {
	var out struct {
		Contacts []foundContact `json:"contacts"`
	}
	if err := v.get("/v1/contacts", url.Values{"q": {text}, "limit": {strconv.Itoa(hitsOfAKind)}}, &out); err != nil {
		if _, refused := wrong(err); refused {
			return nil, nil // no text that a contact could have
		}
		return nil, err
	}
	hits := make([]hit, len(out.Contacts))
	for i, c := range out.Contacts {
		hits[i] = c.hit()
	}
	return hits, nil
}

// foundContact is what a hit shows of a contact.
type foundContact struct {
	ID        int64  `json:"id"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Email     string `json:"email"`
	SMS       string `json:"sms"`
}

func (c foundContact) hit() hit {
	title := c.Email
	if title == "" {
		title = c.SMS
	}
	if title == "" {
		title = "contact " + decimal(c.ID)
	}
	return hit{"/contacts/" + decimal(c.ID), "Contact", title, strings.TrimSpace(c.FirstName + " " + c.LastName)}
}

func (v *visit) findNamed(list searched, text string) ([]hit, error) {
	var out map[string]json.RawMessage
	ask := url.Values{"q": {text}}
	if !list.whole {
		ask.Set("limit", strconv.Itoa(hitsOfAKind))
	}
	if err := v.get(list.path, ask, &out); err != nil {
		if _, refused := wrong(err); refused {
			return nil, nil // a text that no name has
		}
		return nil, err
	}
	var named []struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
		Key  string `json:"key"`
		URL  string `json:"url"`
	}
	if err := json.Unmarshal(out[list.list], &named); err != nil {
		return nil, err
	}
	named = named[:min(len(named), hitsOfAKind)]
	hits := make([]hit, len(named))
	for i, n := range named {
		hits[i] = hit{list.href + decimal(n.ID), list.kind, n.Name, host(n.URL)}
		if n.Key != "" {
			hits[i].Href, hits[i].Title, hits[i].Note = list.href+url.QueryEscape(n.Key), n.Key, n.Name
		}
	}
	return hits, nil
}
