package ui

import (
	"strings"
	"time"
)

// segmentJSON is a segment as the API gives it.
type segmentJSON struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Kind      string     `json:"kind"` // list or condition
	Condition *condition `json:"condition"`
	Version   int64      `json:"version"`
	UpdatedAt time.Time  `json:"updatedAt"`
	UsedIn    []useJSON  `json:"usedIn"`
}

// useJSON is what uses a thing.
type useJSON struct {
	Kind string `json:"kind"` // webhook, workflow, message, broadcast
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// isList says whether contacts are put on the segment one by one.
func (g *segmentJSON) isList() bool { return g.Condition == nil }

// path is that of the segment's page.
func (g *segmentJSON) path() string { return "/contacts/segments/" + decimal(g.ID) }

// allSegments gives all segments of the account: at most 1,000.
func (v *visit) allSegments() ([]segmentJSON, error) {
	var out struct {
		Segments []segmentJSON `json:"segments"`
	}
	err := v.get("/v1/segments", nil, &out)
	return out.Segments, err
}

// segmentsOf gives the segments that a contact is in.
func (v *visit) segmentsOf(contact int64) ([]segmentJSON, error) {
	var out struct {
		Segments []segmentJSON `json:"segments"`
	}
	err := v.get("/v1/contacts/"+decimal(contact)+"/segments", nil, &out)
	return out.Segments, err
}

// has says whether a text is in the name, in any case.
func (g *segmentJSON) has(text string) bool {
	return strings.Contains(strings.ToLower(g.Name), strings.ToLower(text))
}
