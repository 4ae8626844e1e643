package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Segments is what the API asks of a store about segments. A segment of
// another account is CodeNotFound. Every change of a segment's name or
// condition leaves its audit record.
type Segments interface {
	CreateSegment(ctx context.Context, g tidings.Segment, actor string) (tidings.Segment, error)
	Segment(ctx context.Context, account tidings.AccountID, id tidings.SegmentID) (tidings.Segment, error)
	Segments(ctx context.Context, account tidings.AccountID) ([]tidings.Segment, error)
	// UpdateSegment stores name and condition; CodeConflict when the Version is not the stored one.
	UpdateSegment(ctx context.Context, g tidings.Segment, actor string) (tidings.Segment, error)
	DeleteSegment(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, actor string) error
	AddMembers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, contacts []tidings.ContactID) (added int, missing []tidings.ContactID, err error)
	RemoveMembers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, contacts []tidings.ContactID) (removed int, err error)
	Members(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, after tidings.ContactID, limit int) (tidings.MemberPage, error)
	// OfSegment leaves of some contacts those of a segment, at most limit.
	OfSegment(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, contacts []tidings.Contact, limit int) ([]tidings.Contact, error)
	// SegmentsOf gives the segments that a contact is in.
	SegmentsOf(ctx context.Context, account tidings.AccountID, contact tidings.ContactID) ([]tidings.Segment, error)
	CountMembers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID) (int64, error)
	// Matching counts the contacts of whom a condition holds and gives the first of them.
	Matching(ctx context.Context, account tidings.AccountID, condition *tidings.Condition, first int) (int64, []tidings.Contact, error)
}

type segmentInputJSON struct {
	Name      optional[string]        `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters."`
	Condition optional[conditionJSON] `json:"condition,omitempty" doc:"Whose contacts these are; absent on create = a list, which contacts are put on. A list stays a list."`
	Version   optional[int]           `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
}

// newSegmentJSON is the same as the body of a create, where some are required.
type newSegmentJSON segmentInputJSON

type previewJSON struct {
	Condition optional[conditionJSON] `json:"condition,omitempty"`
}

type segmentJSON struct {
	ID        tidings.SegmentID  `json:"id"`
	Name      string             `json:"name"`
	Kind      string             `json:"kind" enum:"list,condition"`
	Condition *tidings.Condition `json:"condition" doc:"null = a list."`
	Version   int64              `json:"version" doc:"Counts the changes."`
	CreatedAt time.Time          `json:"createdAt"`
	UpdatedAt time.Time          `json:"updatedAt"`
	UsedIn    []useJSON          `json:"usedIn,omitempty" doc:"Workflows, and broadcasts that are not done. Only where one segment is shown."`
}

type segmentsJSON struct {
	Segments []segmentJSON `json:"segments"`
}

type countJSON struct {
	Count int64 `json:"count" doc:"Contacts, now."`
}

// previewContacts is how many contacts a preview of a condition shows.
const previewContacts = 10

type matchingJSON struct {
	Count    int64          `json:"count" doc:"Contacts of whom the condition holds, now."`
	Contacts []*contactJSON `json:"contacts" doc:"The first ten of them, by id."`
}

type membersInputJSON struct {
	ContactIDs  optional[[]int]    `json:"contactIds,omitempty" doc:"At most 500 contacts, with those of externalCustomerIds."`
	ExternalIDs optional[[]string] `json:"externalCustomerIds,omitempty" doc:"Contacts by their ids in your system."`
}

type addedJSON struct {
	Added   int                 `json:"added" doc:"How many were not on the list."`
	Missing []tidings.ContactID `json:"missing" doc:"Contacts that are not there."`
	Unknown []string            `json:"unknown" doc:"Ids in your system that no contact has."`
}

type removedJSON struct {
	Removed int `json:"removed" doc:"How many were there."`
}

type shownSegment struct{ Body segmentJSON }

type segmentPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The segment's id."`
}

func segmentView(g *tidings.Segment) segmentJSON {
	v := segmentJSON{ID: g.ID, Name: g.Name, Kind: "condition", Condition: g.Condition, Version: g.Version, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt}
	if g.IsList() {
		v.Kind = "list"
	}
	return v
}

func (s *Server) registerSegments() {
	read, manage := access{scope: tidings.ScopeRead}, access{scope: tidings.ScopeManage}
	at := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Segments"}, Summary: summary}
	}
	list := at(http.MethodGet, "/v1/segments", "list-segments", "List segments")
	list.Errors, list.Extensions = []int{503}, curl(`curl $TIDINGS/v1/segments -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listSegments)

	of := at(http.MethodGet, "/v1/contacts/{id}/segments", "list-contact-segments", "List the segments that a contact is in")
	of.Errors, of.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/contacts/1/segments -H "Authorization: Bearer $KEY"`)
	operate(s, of, read, s.segmentsOf)

	create := at(http.MethodPost, "/v1/segments", "create-segment", "Create a segment: a list, or by a condition")
	create.DefaultStatus, create.Errors = http.StatusCreated, []int{400, 408, 409, 413, 415, 422, 503}
	create.Extensions = curl(`curl -X POST $TIDINGS/v1/segments -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"name":"Lviv, rich","condition":{"all":[{"field":"TOWN","op":"equals","value":"Lviv"},{"field":"PERSONAL.BONUS","op":"greater","value":100}]}}'`)
	operate(s, create, manage, s.createSegment)

	preview := at(http.MethodPost, "/v1/segments/preview", "preview-segment", "Count the contacts of whom a condition holds, and show the first")
	preview.Description, preview.Errors = "Every contact of the account is looked at.", []int{400, 408, 413, 415, 422, 503}
	preview.Extensions = curl(`curl -X POST $TIDINGS/v1/segments/preview -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"condition":{"field":"EMAIL","op":"endsWith","value":"@example.com"}}'`)
	operate(s, preview, read, s.previewSegment)

	show := at(http.MethodGet, "/v1/segments/{id}", "get-segment", "Show a segment")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/segments/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getSegment)

	change := at(http.MethodPatch, "/v1/segments/{id}", "change-segment", "Change a segment's name or condition")
	change.Errors = []int{400, 404, 408, 409, 413, 415, 422, 503}
	change.Extensions = curl(`curl -X PATCH $TIDINGS/v1/segments/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"name":"Lviv"}'`)
	operate(s, change, manage, s.changeSegment)

	remove := at(http.MethodDelete, "/v1/segments/{id}", "delete-segment", "Delete a segment; its contacts stay")
	remove.Description = "409 while workflows, or broadcasts that are not done, use it: errors names them."
	remove.Errors, remove.Extensions = []int{400, 404, 409, 503}, curl(`curl -X DELETE $TIDINGS/v1/segments/1 -H "Authorization: Bearer $KEY"`)
	operate(s, remove, manage, s.deleteSegment)
	s.registerMembers(at)
}

func (s *Server) registerMembers(at func(method, path, id, summary string) huma.Operation) {
	read := access{scope: tidings.ScopeRead}
	members := at(http.MethodGet, "/v1/segments/{id}/contacts", "list-segment-contacts", "List a segment's contacts, by id")
	members.Description = "A page may be short, even empty, and have a next: then many contacts were looked through."
	members.Errors, members.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/segments/1/contacts -H "Authorization: Bearer $KEY"`)
	operate(s, members, read, s.listMembers)

	count := at(http.MethodGet, "/v1/segments/{id}/count", "count-segment-contacts", "Count a segment's contacts")
	count.Errors, count.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/segments/1/count -H "Authorization: Bearer $KEY"`)
	operate(s, count, read, s.countMembers)

	add := at(http.MethodPost, "/v1/segments/{id}/contacts/add", "add-segment-contacts", "Put contacts on a list")
	add.Errors = []int{400, 404, 408, 409, 413, 415, 422, 503}
	add.Extensions = curl(`curl -X POST $TIDINGS/v1/segments/1/contacts/add -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"contactIds":[1,2]}'`)
	operate(s, add, write(), s.addMembers)

	remove := at(http.MethodPost, "/v1/segments/{id}/contacts/remove", "remove-segment-contacts", "Take contacts off a list")
	remove.Errors = add.Errors
	remove.Extensions = curl(`curl -X POST $TIDINGS/v1/segments/1/contacts/remove -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"externalCustomerIds":["c-17"]}'`)
	operate(s, remove, write(), s.removeMembers)
}

// apply sets what a body says of a segment and checks it.
func (in *segmentInputJSON) apply(g *tidings.Segment) error {
	d := &decoder{}
	in.Name.put(&g.Name, "")
	if reason := tidings.CheckName(g.Name); reason != "" {
		d.fault("name", "%s", reason)
	}
	fresh := g.ID == 0
	switch {
	case fresh && in.Version.set:
		d.fault("version", "is for a patch")
	case in.Condition.given() && !fresh && g.IsList():
		d.fault("condition", "must be absent: the segment is a list")
	case in.Condition.set && in.Condition.null && !g.IsList():
		d.fault("condition", "must not be null: the segment is one by condition")
	case in.Condition.given():
		g.Condition = in.Condition.value.check(d, "condition")
	}
	if len(d.faults) > 0 {
		return &tidings.Error{Code: tidings.CodeInvalid, Message: "the segment breaks the rules: nothing was changed", Fields: d.faults}
	}
	return nil
}

func (s *Server) listSegments(ctx context.Context, c caller, in *struct {
	Query string `query:"q" maxLength:"200" doc:"Only those whose name has this, in any case."`
},
) (*struct{ Body segmentsJSON }, error) {
	segments, err := s.store.Segments(ctx, c.account())
	if err != nil {
		return nil, err
	}
	if wanted := saying(in.Query, func(one *tidings.Segment) []string { return []string{one.Name} }); wanted != nil {
		segments = slices.DeleteFunc(segments, func(g tidings.Segment) bool { return !wanted(&g) })
	}
	return &struct{ Body segmentsJSON }{segmentViews(segments)}, nil
}

func segmentViews(segments []tidings.Segment) segmentsJSON {
	out := segmentsJSON{Segments: make([]segmentJSON, len(segments))}
	for i := range segments {
		out.Segments[i] = segmentView(&segments[i])
	}
	return out
}

// segmentsOf lists the segments of one contact.
func (s *Server) segmentsOf(ctx context.Context, c caller, in *contactPath) (*struct{ Body segmentsJSON }, error) {
	segments, err := s.store.SegmentsOf(ctx, c.account(), tidings.ContactID(in.ID))
	if err != nil {
		return nil, err
	}
	return &struct{ Body segmentsJSON }{segmentViews(segments)}, nil
}

func (s *Server) createSegment(ctx context.Context, c caller, in *struct{ JSON body[newSegmentJSON] }) (*shownSegment, error) {
	g := tidings.Segment{Account: c.account()}
	if err := (*segmentInputJSON)(&in.JSON.value).apply(&g); err != nil {
		return nil, err
	}
	g, err := s.store.CreateSegment(ctx, g, c.actor())
	if err != nil {
		return nil, err
	}
	return &shownSegment{segmentView(&g)}, nil
}

func (s *Server) previewSegment(ctx context.Context, c caller, in *struct{ JSON body[previewJSON] }) (*struct{ Body matchingJSON }, error) {
	if !in.JSON.value.Condition.given() {
		return nil, invalidField("condition", "is required")
	}
	d := &decoder{}
	condition := in.JSON.value.Condition.value.check(d, "condition")
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the condition breaks the rules", Fields: d.faults}
	}
	n, first, err := s.store.Matching(ctx, c.account(), condition, previewContacts)
	return &struct{ Body matchingJSON }{matchingJSON{n, contactViews(first)}}, err
}

func (s *Server) getSegment(ctx context.Context, c caller, in *segmentPath) (*shownSegment, error) {
	g, err := s.store.Segment(ctx, c.account(), tidings.SegmentID(in.ID))
	if err != nil {
		return nil, err
	}
	users, err := s.segmentUsers(ctx, c.account(), g.ID)
	if err != nil {
		return nil, err
	}
	out := &shownSegment{segmentView(&g)}
	out.Body.UsedIn = usesView(users)
	return out, nil
}

func (s *Server) changeSegment(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The segment's id."`
	JSON body[segmentInputJSON]
},
) (*shownSegment, error) {
	asked := &in.JSON.value
	g, err := s.store.Segment(ctx, c.account(), tidings.SegmentID(in.ID))
	if err != nil {
		return nil, err
	}
	if err := asked.apply(&g); err != nil {
		return nil, err
	}
	if asked.Version.given() {
		g.Version = int64(asked.Version.value)
	}
	if asked.Name.set || asked.Condition.given() || asked.Version.given() {
		if g, err = s.store.UpdateSegment(ctx, g, c.actor()); err != nil {
			return nil, err
		}
	}
	return &shownSegment{segmentView(&g)}, nil
}

func (s *Server) deleteSegment(ctx context.Context, c caller, in *segmentPath) (*struct{}, error) {
	g, err := s.store.Segment(ctx, c.account(), tidings.SegmentID(in.ID))
	if err != nil {
		return nil, err
	}
	users, err := s.segmentUsers(ctx, c.account(), g.ID)
	if err != nil {
		return nil, err
	}
	if err := inUse("segment", users); err != nil {
		return nil, err
	}
	return nil, s.store.DeleteSegment(ctx, c.account(), g.ID, c.actor())
}

// membersAsked is the input of a list of a segment's contacts.
type membersAsked struct {
	ID    int64 `path:"id" minimum:"1" doc:"The segment's id."`
	After int64 `query:"after" minimum:"0" doc:"next of the page before."`
	Limit int   `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"The most contacts of a page."`
}

func (s *Server) listMembers(ctx context.Context, c caller, in *membersAsked) (*struct{ Body contactsJSON }, error) {
	page, err := s.store.Members(ctx, c.account(), tidings.SegmentID(in.ID), tidings.ContactID(in.After), in.Limit)
	if err != nil {
		return nil, err
	}
	out := contactsJSON{Contacts: contactViews(page.Contacts)}
	if page.Next != 0 {
		out.Next = ptr(int64(page.Next))
	}
	return &struct{ Body contactsJSON }{out}, nil
}

func (s *Server) countMembers(ctx context.Context, c caller, in *segmentPath) (*struct{ Body countJSON }, error) {
	n, err := s.store.CountMembers(ctx, c.account(), tidings.SegmentID(in.ID))
	return &struct{ Body countJSON }{countJSON{n}}, err
}

// onMembers is the input of an act on a list.
type onMembers struct {
	ID   int64 `path:"id" minimum:"1" doc:"The segment's id."`
	JSON body[membersInputJSON]
}

// named gives the contacts that a body names, and the ids in the account's own
// system that no contact has.
func (s *Server) named(ctx context.Context, c caller, in *membersInputJSON) (ids []tidings.ContactID, unknown []string, err error) {
	n := len(in.ContactIDs.value) + len(in.ExternalIDs.value)
	if n == 0 || n > tidings.MaxMembersAtOnce {
		return nil, nil, invalidField("contactIds", fmt.Sprintf("with externalCustomerIds must name 1 to %d contacts", tidings.MaxMembersAtOnce))
	}
	for _, id := range in.ContactIDs.value {
		ids = append(ids, tidings.ContactID(id))
	}
	unknown = []string{}
	for _, key := range in.ExternalIDs.value {
		contact, err := s.store.FindContact(ctx, c.account(), tidings.MatchExternalID, key)
		switch tidings.CodeOf(err) {
		case "":
			ids = append(ids, contact.ID)
		case tidings.CodeNotFound:
			unknown = append(unknown, key)
		default:
			return nil, nil, err
		}
	}
	return ids, unknown, nil
}

func (s *Server) addMembers(ctx context.Context, c caller, in *onMembers) (*struct{ Body addedJSON }, error) {
	ids, unknown, err := s.named(ctx, c, &in.JSON.value)
	if err != nil {
		return nil, err
	}
	added, missing, err := s.store.AddMembers(ctx, c.account(), tidings.SegmentID(in.ID), ids)
	if err != nil {
		return nil, err
	}
	return &struct{ Body addedJSON }{addedJSON{added, append([]tidings.ContactID{}, missing...), unknown}}, nil
}

func (s *Server) removeMembers(ctx context.Context, c caller, in *onMembers) (*struct{ Body removedJSON }, error) {
	ids, _, err := s.named(ctx, c, &in.JSON.value)
	if err != nil {
		return nil, err
	}
	removed, err := s.store.RemoveMembers(ctx, c.account(), tidings.SegmentID(in.ID), ids)
	return &struct{ Body removedJSON }{removedJSON{removed}}, err
}
