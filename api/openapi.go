package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// specConfig is what huma is told: JSON only, no pages, schemas or links of its own.
func specConfig(version string) huma.Config {
	format := huma.Format{
		Marshal: func(w io.Writer, v any) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			return enc.Encode(v)
		},
		Unmarshal: json.Unmarshal,
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Tidings", Version: version, License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"},
				Description: "The feed of an account's activities: in over HTTP, durable, and out to the account's endpoints as POSTs in strict order.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "Authorization: Bearer KEY. The scopes that an operation needs are named with it."},
					"basic":  {Type: "http", Scheme: "basic", Description: "Any user name, also none; the key as password."},
					"user":   {Type: "http", Scheme: "signed-in", Description: "A user who is signed in to the browser's pages, which use this API for them; nothing that a client sends makes one. The role that is needed is named: each one includes those after it, of owner, editor, viewer. self: the user themself."},
					"admin":  {Type: "http", Scheme: "bearer", Description: "The admin token that the server was started with (--admin-token)."},
				},
			},
			Tags: []*huma.Tag{
				{Name: "Activities", Description: "The feed: in, by place, by search."},
				{Name: "Endpoints", Description: "Where activities are delivered to, and how far each has come."},
				{Name: "Contacts", Description: "People: their addresses, fields and subscriptions, and what happened to them."},
				{Name: "Segments", Description: "Sets of contacts: lists, and those of whom a condition holds."},
				{Name: "Events", Description: "What happened, as producers tell it."},
				{Name: "Webhooks", Description: "Requests to outside systems, made of templates: kept, tried, and what came of them."},
				{Name: "Connectors", Description: "Named credentials of webhooks."},
				{Name: "Calls", Description: "The log of what was called, and how it goes host by host."},
				{Name: "Workflows", Description: "What events start: calls, conditions, waits, messages."},
				{Name: "Runs", Description: "What workflows did for whom, step by step."},
				{Name: "Messages", Description: "Templates of emails."},
				{Name: "Broadcasts", Description: "Messages to segments."},
				{Name: "Outbox", Description: "Mails: made, sent, refused."},
				{Name: "Sources", Description: "Events of other senders, taken as activities."},
				{Name: "Settings", Description: "What holds for the whole account."},
				{Name: "Accounts", Description: "Accounts and their keys."},
				{Name: "Users", Description: "People who sign in to an account's pages."},
				{Name: "Stats", Description: "Figures over time."},
				{Name: "Audit", Description: "Who changed what."},
				{Name: "Public API", Description: "For clients that speak the platform's Public API."},
				{Name: "Operation", Description: "What watches over the server; open to everybody."},
			},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format}, // the second for problem+json
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{ownShape},
	}
}

// schemaName names a schema as its Go type, without the JSON at its end.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "JSON")
}

// describe completes an operation's description: who may, and the errors.
func (s *Server) describe(op *huma.Operation, need access) {
	switch {
	case need.open:
		op.Security = []map[string][]string{}
	default:
		scopes := []string{}
		if need.scope != "" {
			scopes = []string{string(need.scope)}
		}
		if need.scope != "" || !need.admin && !need.users {
			op.Security = append(op.Security, map[string][]string{"bearer": scopes}, map[string][]string{"basic": scopes})
		}
		if need.or != "" {
			scopes = []string{string(need.or)}
			op.Security = append(op.Security, map[string][]string{"bearer": scopes}, map[string][]string{"basic": scopes})
		}
		if need.admin {
			op.Security = append(op.Security, map[string][]string{"admin": {}})
		}
		op.Security = append(op.Security, need.security()...)
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	errs := append(op.Errors, http.StatusInternalServerError)
	op.Errors = nil // huma would describe them in its own shape
	slices.Sort(errs)
	for _, status := range slices.Compact(errs) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: errorWords(status),
			Content:     map[string]*huma.MediaType{problemType: {Schema: s.schema(problemJSON{})}},
		}
	}
}

// errorWords says what an error status means here.
func errorWords(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The request can't be read: not JSON, or a wrong parameter (code invalid)."
	case http.StatusUnauthorized:
		return "No key, or one that is not known or was revoked (code unauthorized)."
	case http.StatusForbidden:
		return "The key has not the scope that this needs, or the user not the role (code forbidden)."
	case http.StatusNotFound:
		return "There is no such thing in this account (code not_found)."
	case http.StatusNotAcceptable:
		return "The answer has no such form (code unsupported)."
	case http.StatusRequestTimeout:
		return "The body came too slowly (code invalid)."
	case http.StatusConflict:
		return "The thing is in a state that does not allow this, or was changed meanwhile (codes conflict, fenced)."
	case http.StatusRequestEntityTooLarge:
		return "Over a size limit, which is named (code too_large)."
	case http.StatusUnsupportedMediaType:
		return "A Content-Type or Content-Encoding that is not read here (code unsupported)."
	case http.StatusUnprocessableEntity:
		return "It can be read and breaks a rule; errors says where (code invalid)."
	case http.StatusTooManyRequests:
		return "Too many; Retry-After says when again (code rate_limited)."
	case http.StatusServiceUnavailable:
		return "Not possible now, nothing was stored; Retry-After says when again (code unavailable)."
	}
	return "A defect or a broken machine (code internal); instance has the id of the log's entry."
}

// describeBody says what JSON an operation takes. huma knows nothing of it,
// because the body is read by ours (decode.go).
func (s *Server) describeBody(op huma.Operation, t reflect.Type) {
	item := s.api.OpenAPI().Paths[op.Path]
	for _, known := range []*huma.Operation{item.Post, item.Patch} {
		if known != nil && known.Method == op.Method {
			known.RequestBody = &huma.RequestBody{
				Required: required()[schemaName(t, t.Name())] != nil,
				Content:  map[string]*huma.MediaType{"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())}},
			}
		}
	}
}

// finishSchemas says what Go types can't: the fields that a create can't do
// without (every other field of a body has a default), that the lists of answers are
// never null, and that answers may get further fields one day.
func (s *Server) finishSchemas() {
	schemas := s.api.OpenAPI().Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's own shape of errors, which never leaves
	delete(schemas, "ErrorDetail")
	for name, fields := range required() {
		schema, ok := schemas[name]
		if !ok {
			panic("api: no operation has the schema " + name)
		}
		schema.Required = fields
	}
	asked := map[string]bool{}
	for _, item := range s.api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Post, item.Patch} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			for _, media := range op.RequestBody.Content {
				s.reach(media.Schema, asked)
			}
		}
	}
	for name, schema := range schemas {
		if asked[name] {
			continue
		}
		schema.AdditionalProperties = nil
		for _, property := range schema.Properties {
			property.Nullable = property.Nullable && property.Type != huma.TypeArray
		}
	}
}

// required lists the fields that a schema of a request can't do without. A body
// of such a schema is required itself.
func required() map[string][]string {
	return map[string][]string{
		"NewEndpoint": {"name", "url"}, "NewAccount": {"name"}, "NewKey": {"name", "scopes"}, "Skip": {"reason"}, "Header": {"name"},
		"NewConnector": {"name", "auth"}, "NewWebhook": {"name", "url"}, "HeaderRow": {"name"}, "FromCurl": {"command"}, "TestUnsaved": {"webhook"},
		"NewContact": {}, "UpsertContact": {}, "PatchContact": {}, "NewField": {"key", "type"}, "NewSegment": {"name"}, "Preview": {"condition"}, "NewEvent": {"eventTypeKey"}, "BlacklistInput": {"channels"},
		"NewWorkflow": {"name", "definition"}, "CheckWorkflow": {"definition"}, "Block": {"id", "kind"},
		"NewMessage": {"name", "subject"}, "PreviewUnsaved": {"message"}, "TestMail": {"contactId"},
		"NewBroadcast": {"name", "messageId", "segmentId"}, "NewSource": {"name", "kind"},
		"NewUser": {"email", "role"}, "NewPassword": {"password"},
	}
}

// reach notes the named schemas that one is made of.
func (s *Server) reach(schema *huma.Schema, names map[string]bool) {
	if schema == nil {
		return
	}
	if name := strings.TrimPrefix(schema.Ref, "#/components/schemas/"); name != "" && !names[name] {
		names[name] = true
		s.reach(s.resolved(schema), names)
	}
	s.reach(schema.Items, names)
	for _, property := range schema.Properties {
		s.reach(property, names)
	}
}

// schema registers a type and gives the reference to it.
func (s *Server) schema(v any) *huma.Schema {
	t := reflect.TypeOf(v)
	return s.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

func jsonOf(s *Server, v any) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: s.schema(v)}}
}

// curl gives an example of an operation, in the extension that documentation tools know.
func curl(source string) map[string]any {
	return map[string]any{"x-codeSamples": []map[string]string{{"lang": "Shell", "label": "curl", "source": source}}}
}

func ptr[T any](v T) *T { return &v }

func anys(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// numberParam describes a whole number in the query; def nil = none.
func numberParam(name, doc string, def any, lo, hi float64) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: doc, Schema: &huma.Schema{Type: "integer", Format: "int64", Default: def, Minimum: &lo, Maximum: &hi}}
}

// activitySchema describes the wire object. Its rules are checked by
// tidings.ParseActivities; a test holds the two together.
func activitySchema() *huma.Schema {
	s := &huma.Schema{
		Type: "object", AdditionalProperties: false, Required: []string{"contactId", "activityStatus", "mediaType"}, Properties: map[string]*huma.Schema{},
		Description: fmt.Sprintf("One fact about one message to one contact; at most %d bytes as compact JSON. Absent values are left out, never null.", tidings.MaxActivityBytes),
	}
	for _, f := range activityFields() {
		p := &huma.Schema{Type: f.kind, Description: f.doc}
		if f.kind == "integer" {
			p.Format = "int64"
		}
		s.Properties[f.name] = p
	}
	s.Properties["activityStatus"].Enum = anys(tidings.Statuses())
	s.Properties["mediaType"].Enum = anys(tidings.MediaTypes())
	keys := &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string"}}
	s.Properties["statusData"].Properties = map[string]*huma.Schema{
		"subscription": {Type: "object", AdditionalProperties: false, Properties: map[string]*huma.Schema{"subscriptions": keys}},
	}
	s.Properties["statusData"].AdditionalProperties = false
	return s
}

type activityField struct{ name, kind, doc string }

func activityFields() []activityField {
	return []activityField{
		{"activityDateTime", "string", "YYYY-MM-DDTHH:mm:ss in UTC; an offset is converted. Missing: the time of arrival."},
		{"activityStatus", "string", "What happened. SENT: mobile push only."},
		{"broadcastId", "integer", "Of a bulk sending."},
		{"clickEventLink", "string", "Only with CLICKED."},
		{"contactId", "integer", "The contact."},
		{"email", "string", "The contact's email."},
		{"externalCustomerId", "string", "The contact's id in your system."},
		{"from", "string", "The sender's name."},
		{"hardBounce", "boolean", "Only with UNDELIVERED: was the contact in the black list."},
		{"iid", "string", "Id of the sent message to this contact: a UUID. Missing: a new one."},
		{"mediaType", "string", "The channel."},
		{"messageId", "integer", ""},
		{"messageInstanceId", "integer", ""},
		{"messageLanguageCode", "string", ""},
		{"messageName", "string", ""},
		{"messageTag", "string", "Tags joined by commas."},
		{"mobilepush", "string", "Subscriber token."},
		{"osName", "string", ""},
		{"osType", "string", ""},
		{"sms", "string", "Phone, digits only."},
		{"sourceEventId", "integer", ""},
		{"sourceEventKey", "string", "keyValue of the event."},
		{"sourceEventTypeKey", "string", "eventTypeKey of the event."},
		{"statusData", "object", "{} or the changed subscriptions."},
		{"statusDescription", "string", "Only with UNDELIVERED: the reason."},
		{"viber", "string", "Phone, digits only."},
		{"viewMessageLink", "string", "Web version of an email."},
		{"webpush", "string", "Subscriber token."},
		{"workflowBlockId", "string", ""},
		{"workflowId", "integer", "Of a triggered sending."},
		{"workflowInstanceId", "string", "One launch of the workflow."},
	}
}

func foundSchema() *huma.Schema {
	return &huma.Schema{Type: "object", Required: []string{"seq", "activity"}, Properties: map[string]*huma.Schema{
		"seq":      {Type: "integer", Format: "int64", Description: "Its place in the account's feed: dense, from 1."},
		"activity": {Type: "object", Description: "The activity as it was stored; see add-activities for its fields."},
	}}
}

func exampleActivities() any {
	return []map[string]any{{"contactId": 687266822, "activityStatus": "DELIVERED", "mediaType": "email", "email": "ann@example.com", "activityDateTime": "2026-01-31T15:04:05"}}
}
