package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Contacts is what the API asks of a store about contacts. A contact of
// another account is CodeNotFound.
type Contacts interface {
	CreateContact(ctx context.Context, account tidings.AccountID, change tidings.ContactChange) (tidings.Contact, error)
	UpsertContact(ctx context.Context, account tidings.AccountID, change tidings.ContactChange, by tidings.MatchBy) (tidings.Contact, tidings.ContactOutcome, error)
	// ImportContacts does many upserts in one commit; what is wrong with one is in its outcome.
	Writes() int64
	ImportContacts(ctx context.Context, account tidings.AccountID, changes []tidings.ContactChange, by tidings.MatchBy) ([]tidings.ContactOutcome, error)
	Contact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) (tidings.Contact, error)
	FindContact(ctx context.Context, account tidings.AccountID, by tidings.MatchBy, key string) (tidings.Contact, error)
	Contacts(ctx context.Context, account tidings.AccountID, after tidings.ContactID, limit int) ([]tidings.Contact, error)
	// SearchContacts finds by the beginnings of emails, phones, names and ids.
	SearchContacts(ctx context.Context, account tidings.AccountID, text string, limit int) ([]tidings.Contact, error)
	// ChangeContact changes a contact; CodeConflict when version is neither 0 nor the stored one.
	ChangeContact(ctx context.Context, account tidings.AccountID, id tidings.ContactID, change tidings.ContactChange, version int64) (tidings.Contact, error)
	DeleteContact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) error
	Timeline(ctx context.Context, account tidings.AccountID, id tidings.ContactID, from tidings.TimelineCursor, limit int) (tidings.TimelinePage, error)
}

type contactPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The contact's id."`
}

type shownContact struct{ Body *contactJSON }

type upsertedJSON struct {
	Contact *contactJSON `json:"contact"`
	Created bool         `json:"created" doc:"There was none."`
	Changed bool         `json:"changed" doc:"It is another than before, or new."`
}

type contactsJSON struct {
	Contacts []*contactJSON `json:"contacts"`
	Next     *int64         `json:"next" doc:"after of the next page; null on the last, and after a search."`
}

// The three bodies of a contact, told apart for the document.
type (
	newContactJSON    contactInputJSON
	upsertContactJSON contactInputJSON
	patchContactJSON  contactInputJSON
)

// write is who may put data in: producers and those who manage.
func write() access { return access{scope: tidings.ScopeIngest, or: tidings.ScopeManage} }

func (s *Server) registerContacts() {
	read := access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "create-contact", Method: http.MethodPost, Path: "/v1/contacts", Tags: []string{"Contacts"}, DefaultStatus: http.StatusCreated,
		Summary:     "Create a contact",
		Description: "Needs an address or an externalCustomerId. 409: one of them belongs to another contact; see upsert.",
		Errors:      []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/contacts -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"email":"ann@example.com","firstName":"Ann","address":{"town":"Lviv"},"fields":{"PERSONAL.BONUS":120}}'`),
	}, write(), s.createContact)
	operate(s, huma.Operation{
		OperationID: "upsert-contact", Method: http.MethodPost, Path: "/v1/contacts/upsert", Tags: []string{"Contacts"},
		Summary:     "Change a contact, or create it",
		Description: "The contact is found by id, externalCustomerId, email, sms or another channel, whichever is known first, or by matchBy alone. What is not named stays as it is. Repeating it changes nothing.",
		Errors:      []int{400, 404, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/contacts/upsert -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"externalCustomerId":"c-17","email":"ann@example.com","subscriptions":["NEWS"]}'`),
	}, write(), s.upsertContact)
	operate(s, huma.Operation{
		OperationID: "list-contacts", Method: http.MethodGet, Path: "/v1/contacts", Tags: []string{"Contacts"},
		Summary: "Search contacts as one types, find one, or list all",
		Description: "q finds those whose email, phone, externalCustomerId or id begins with it, or in whose name each of its words begins a word. " +
			"email, sms and externalCustomerId find the one contact that has it. Without any of these all are listed, page by page, by id. " +
			"segmentId leaves those of a segment; with q, of the first 200 that are found.",
		Errors: []int{400, 404, 503}, Extensions: curl(`curl "$TIDINGS/v1/contacts?q=ann" -H "Authorization: Bearer $KEY"`),
	}, read, s.listContacts)
	operate(s, huma.Operation{
		OperationID: "get-contact", Method: http.MethodGet, Path: "/v1/contacts/{id}", Tags: []string{"Contacts"},
		Summary: "Show a contact", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/contacts/1 -H "Authorization: Bearer $KEY"`),
	}, read, s.getContact)
	operate(s, huma.Operation{
		OperationID: "change-contact", Method: http.MethodPatch, Path: "/v1/contacts/{id}", Tags: []string{"Contacts"},
		Summary: "Change a contact", Description: "A JSON merge patch: absent = unchanged, null = removed. With version, 409 when somebody has changed it since it was read.",
		Errors:     []int{400, 404, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X PATCH $TIDINGS/v1/contacts/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"address":{"town":"Kyiv"},"fields":{"PERSONAL.BONUS":null}}'`),
	}, write(), s.changeContact)
	operate(s, huma.Operation{
		OperationID: "delete-contact", Method: http.MethodDelete, Path: "/v1/contacts/{id}", Tags: []string{"Contacts"},
		Summary: "Delete a contact", Description: "Its addresses are free then. The log of calls keeps how its calls ended, and forgets whose they were, what was sent and what came back. Its events and activities stay until their retention, and so does what the black list has.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl -X DELETE $TIDINGS/v1/contacts/1 -H "Authorization: Bearer $KEY"`),
	}, write(), s.deleteContact)
	s.registerTimeline()
	s.raw(s.describeImport(), write(), s.importContacts)
}

// readContact makes the change that a body asks for. allowed names those of
// id, matchBy and version that the operation takes.
func (s *Server) readContact(ctx context.Context, c caller, in *contactInputJSON, allowed ...string) (tidings.ContactChange, error) {
	fields, err := s.store.Fields(ctx, c.account())
	if err != nil {
		return tidings.ContactChange{}, err
	}
	d := &decoder{}
	in.only(d, allowed...)
	change := newContactReader(fields).read(d, in)
	if len(d.faults) > 0 {
		return change, &tidings.Error{Code: tidings.CodeInvalid, Message: "the contact breaks the rules: nothing was stored", Fields: d.faults}
	}
	return change, nil
}

// only refuses what an operation does not take.
func (in *contactInputJSON) only(d *decoder, allowed ...string) {
	may := map[string]bool{}
	for _, name := range allowed {
		may[name] = true
	}
	if in.ID.set && !may["id"] {
		d.fault("id", "is for an upsert: here it is given by the server")
	}
	if in.MatchBy.set && !may["matchBy"] {
		d.fault("matchBy", "is for an upsert")
	}
	if in.Version.set && !may["version"] {
		d.fault("version", "is for a patch")
	}
}

func (s *Server) createContact(ctx context.Context, c caller, in *struct{ JSON body[newContactJSON] }) (*shownContact, error) {
	change, err := s.readContact(ctx, c, (*contactInputJSON)(&in.JSON.value))
	if err != nil {
		return nil, err
	}
	contact, err := s.store.CreateContact(ctx, c.account(), change)
	if err != nil {
		return nil, err
	}
	return &shownContact{contactView(&contact)}, nil
}

func (s *Server) upsertContact(ctx context.Context, c caller, in *struct {
	JSON body[upsertContactJSON]
},
) (*struct{ Body upsertedJSON }, error) {
	asked := (*contactInputJSON)(&in.JSON.value)
	by, err := matchBy(asked.MatchBy.value)
	if err != nil {
		return nil, err
	}
	change, err := s.readContact(ctx, c, asked, "id", "matchBy")
	if err != nil {
		return nil, err
	}
	contact, outcome, err := s.store.UpsertContact(ctx, c.account(), change, by)
	if err != nil {
		return nil, err
	}
	return &struct{ Body upsertedJSON }{upsertedJSON{contactView(&contact), outcome.Created, outcome.Changed}}, nil
}

func matchBy(name string) (tidings.MatchBy, error) {
	switch by := tidings.MatchBy(name); by {
	case tidings.MatchAny, tidings.MatchID, tidings.MatchExternalID, tidings.MatchEmail, tidings.MatchSMS:
		return by, nil
	}
	return "", invalidField("matchBy", "must be id, externalCustomerId, email or sms")
}

// Bounds of a search: what is shown, and what is looked through for a segment's.
const (
	maxSearchContacts  = 50
	maxSegmentSearched = 200
)

func (s *Server) listContacts(ctx context.Context, c caller, in *struct {
	Q          string `query:"q" maxLength:"256" doc:"What somebody has typed so far."`
	Email      string `query:"email" maxLength:"254" doc:"The contact with this email, in any case."`
	SMS        string `query:"sms" maxLength:"64" doc:"The contact with this phone number."`
	ExternalID string `query:"externalCustomerId" maxLength:"1024" doc:"The contact with this externalCustomerId."`
	Segment    int64  `query:"segmentId" minimum:"0" doc:"Only contacts of this segment; not with email, sms and externalCustomerId."`
	After      int64  `query:"after" minimum:"0" doc:"next of the page before."`
	Limit      int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"The most contacts of a page; a search gives at most 50."`
},
) (*struct{ Body contactsJSON }, error) {
	if in.Segment != 0 && in.Q == "" {
		return s.listMembers(ctx, c, &membersAsked{ID: in.Segment, After: in.After, Limit: in.Limit})
	}
	var contacts []tidings.Contact
	var err error
	all := false
	switch {
	case in.Segment != 0:
		contacts, err = s.searchSegment(ctx, c, tidings.SegmentID(in.Segment), in.Q, min(in.Limit, maxSearchContacts))
	case in.Q != "":
		contacts, err = s.store.SearchContacts(ctx, c.account(), in.Q, min(in.Limit, maxSearchContacts))
	case in.Email != "":
		contacts, err = s.oneContact(ctx, c, tidings.MatchEmail, in.Email)
	case in.SMS != "":
		contacts, err = s.oneContact(ctx, c, tidings.MatchSMS, digits(in.SMS))
	case in.ExternalID != "":
		contacts, err = s.oneContact(ctx, c, tidings.MatchExternalID, in.ExternalID)
	default:
		all = true
		contacts, err = s.store.Contacts(ctx, c.account(), tidings.ContactID(in.After), in.Limit)
	}
	if err != nil {
		return nil, err
	}
	out := contactsJSON{Contacts: contactViews(contacts)}
	if all && len(contacts) == in.Limit {
		out.Next = ptr(int64(contacts[len(contacts)-1].ID))
	}
	return &struct{ Body contactsJSON }{out}, nil
}

// searchSegment finds contacts of a segment as one types.
func (s *Server) searchSegment(ctx context.Context, c caller, segment tidings.SegmentID, text string, limit int) ([]tidings.Contact, error) {
	found, err := s.store.SearchContacts(ctx, c.account(), text, maxSegmentSearched)
	if err != nil {
		return nil, err
	}
	return s.store.OfSegment(ctx, c.account(), segment, found, limit)
}

// oneContact gives the one contact, or none.
func (s *Server) oneContact(ctx context.Context, c caller, by tidings.MatchBy, key string) ([]tidings.Contact, error) {
	contact, err := s.store.FindContact(ctx, c.account(), by, key)
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []tidings.Contact{contact}, nil
}

func contactViews(contacts []tidings.Contact) []*contactJSON {
	out := make([]*contactJSON, len(contacts))
	for i := range contacts {
		out[i] = contactView(&contacts[i])
	}
	return out
}

func (s *Server) getContact(ctx context.Context, c caller, in *contactPath) (*shownContact, error) {
	contact, err := s.store.Contact(ctx, c.account(), tidings.ContactID(in.ID))
	if err != nil {
		return nil, err
	}
	return &shownContact{contactView(&contact)}, nil
}

func (s *Server) changeContact(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The contact's id."`
	JSON body[patchContactJSON]
},
) (*shownContact, error) {
	asked := (*contactInputJSON)(&in.JSON.value)
	change, err := s.readContact(ctx, c, asked, "version")
	if err != nil {
		return nil, err
	}
	contact, err := s.store.ChangeContact(ctx, c.account(), tidings.ContactID(in.ID), change, int64(asked.Version.value))
	if err != nil {
		return nil, err
	}
	return &shownContact{contactView(&contact)}, nil
}

func (s *Server) deleteContact(ctx context.Context, c caller, in *contactPath) (*struct{}, error) {
	return nil, s.store.DeleteContact(ctx, c.account(), tidings.ContactID(in.ID))
}
