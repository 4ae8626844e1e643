package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// publicRoute names the requests under /api/ in the figures.
const publicRoute = "/api/"

// registerPublic opens the paths under /api/ and describes what answers there.
// The answers, errors included, are the handler's own.
func (s *Server) registerPublic() {
	if s.cfg.Public == nil {
		return
	}
	s.public = s.cfg.Public(s.authenticate)
	op := huma.Operation{
		OperationID: "contacts-activity", Method: http.MethodGet, Path: "/api/v2/contacts/activity", Tags: []string{"Public API"},
		Summary: "Search activities, in the platform's published form",
		Description: "The same search as /v1/activities/search for clients that speak the platform's Public API: HTTP Basic with any user and the key as password; " +
			"errors are plain text. Repeat with offset = the last row's offset until the answer is empty. Rows have webPushToken and mobPushToken where the activity has webpush and mobilepush.",
		Parameters: []*huma.Param{
			publicParam("dateFrom", "YYYY-MM-DD or YYYY-MM-DDTHH:mm[:ss], in UTC.", true),
			publicParam("dateTo", "In the same forms, at most 3 months later; a day is included.", true),
			publicParam("email", "", false), publicParam("sms", "", false), publicParam("webPushToken", "", false), publicParam("mobPushToken", "", false),
			publicParam("messageTag", "", false), publicParam("activityStatus", "", false),
			publicParam("offset", "offset of the last row that was read.", false),
			{Name: "maxrows", In: "query", Schema: &huma.Schema{Type: "integer", Minimum: ptr(1.0), Maximum: ptr(25000.0), Default: 25000}},
		},
		Responses: map[string]*huma.Response{"200": {Description: "The rows; an empty array at the end.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: "array", Items: &huma.Schema{Type: "object", Description: "An activity with its offset."}}},
		}}},
		Errors:     []int{400, 503},
		Extensions: curl(`curl -u any:$KEY "$TIDINGS/api/v2/contacts/activity?dateFrom=2026-01-01&dateTo=2026-01-31&activityStatus=CLICKED"`),
	}
	s.describe(&op, access{scope: tidings.ScopeRead})
	for status, answer := range op.Responses {
		if status != "200" { // errors here are plain text
			answer.Content = map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: "string"}}}
		}
	}
	s.api.OpenAPI().AddOperation(&op)
	s.routes = append(s.routes, op.Method+" "+op.Path)
}

func publicParam(name, doc string, required bool) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: doc, Required: required, Schema: &huma.Schema{Type: "string"}}
}
