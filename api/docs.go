package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

//go:embed docs.html docs.css
var docsFiles embed.FS

// registerDocs makes /openapi.json and /docs from what is registered, so it
// comes last. Both are made once: nothing in them changes while the server runs.
func (s *Server) registerDocs() {
	s.raw(huma.Operation{
		OperationID: "openapi", Method: http.MethodGet, Path: "/openapi.json", Tags: []string{"Operation"}, Summary: "This API as an OpenAPI 3.1 document",
		Responses:  map[string]*huma.Response{"200": {Description: "The document.", Content: map[string]*huma.MediaType{"application/openapi+json": {Schema: &huma.Schema{Type: "object"}}}}},
		Extensions: curl(`curl $TIDINGS/openapi.json`),
	}, access{open: true}, func(w http.ResponseWriter, _ *http.Request, _ caller) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(s.spec) // a client that does not take it has gone
	})
	s.raw(huma.Operation{
		OperationID: "docs", Method: http.MethodGet, Path: "/docs", Tags: []string{"Operation"}, Summary: "This API as a page to read",
		Responses:  map[string]*huma.Response{"200": {Description: "The page.", Content: map[string]*huma.MediaType{"text/html": {Schema: &huma.Schema{Type: "string"}}}}},
		Extensions: curl(`curl $TIDINGS/docs`),
	}, access{open: true}, func(w http.ResponseWriter, _ *http.Request, _ caller) {
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(s.docs)
	})
	s.raw(huma.Operation{Method: http.MethodGet, Path: "/docs.css", Hidden: true}, access{open: true}, func(w http.ResponseWriter, r *http.Request, _ caller) {
		http.ServeFileFS(w, r, docsFiles, "docs.css")
	})
	s.finishSchemas()
	spec, err := json.MarshalIndent(s.api.OpenAPI(), "", " ")
	if err != nil {
		panic(fmt.Sprintf("api: the OpenAPI document can't be written: %v", err))
	}
	s.spec = append(spec, '\n')
	s.docs = s.docsPage()
}

// docPage is what the page shows: the document, turned for reading.
type docPage struct {
	Title, Version, Description string
	Groups                      []docGroup
	Codes                       []docCode
}

type docGroup struct {
	Name, Description string
	Operations        []docOperation
}

type docOperation struct {
	ID, Method, Path, Summary, Who, Curl string
	Description                          []string // paragraphs
	Parameters                           []docField
	Bodies                               []docBody
	Answers                              []docAnswer
}

type docBody struct {
	Type   string
	Fields []docField
}

type docAnswer struct {
	Status, Description string
	Bodies              []docBody
}

type docField struct {
	Name, In, Type, Description string
	Required                    bool
	Limits                      []string
}

type docCode struct {
	Code    tidings.Code
	Status  int
	Meaning string
}

func (s *Server) docsPage() []byte {
	spec := s.api.OpenAPI()
	page := docPage{Title: spec.Info.Title, Version: spec.Info.Version, Description: spec.Info.Description}
	for _, tag := range spec.Tags {
		group := docGroup{Name: tag.Name, Description: tag.Description}
		for _, route := range s.routes {
			method, path, _ := strings.Cut(route, " ")
			if op := operationAt(spec, method, path); op != nil && slices.Contains(op.Tags, tag.Name) {
				group.Operations = append(group.Operations, s.docOperation(op))
			}
		}
		if len(group.Operations) > 0 {
			page.Groups = append(page.Groups, group)
		}
	}
	for _, code := range []tidings.Code{
		tidings.CodeInvalid, tidings.CodeUnauthorized, tidings.CodeForbidden, tidings.CodeNotFound, tidings.CodeConflict, tidings.CodeFenced,
		tidings.CodeTooLarge, tidings.CodeUnsupported, tidings.CodeRateLimited, tidings.CodeUnavailable, tidings.CodeInternal,
	} {
		status := statusOf(tidings.Errorf(code, ""))
		page.Codes = append(page.Codes, docCode{code, status, errorWords(status)})
	}
	funcs := template.FuncMap{"lower": strings.ToLower}
	t := template.Must(template.New("docs.html").Funcs(funcs).ParseFS(docsFiles, "docs.html"))
	var out bytes.Buffer
	if err := t.Execute(&out, page); err != nil {
		panic(fmt.Sprintf("api: the documentation can't be written: %v", err))
	}
	return out.Bytes()
}

// operationAt finds an operation of the document, nil when it is not in it.
func operationAt(spec *huma.OpenAPI, method, path string) *huma.Operation {
	item := spec.Paths[path]
	if item == nil {
		return nil
	}
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPatch:
		return item.Patch
	case http.MethodDelete:
		return item.Delete
	}
	return nil
}

func (s *Server) docOperation(op *huma.Operation) docOperation {
	d := docOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Who: whoMay(op)}
	if op.Description != "" {
		d.Description = strings.Split(op.Description, "\n\n")
	}
	if samples, ok := op.Extensions["x-codeSamples"].([]map[string]string); ok && len(samples) > 0 {
		d.Curl = samples[0]["source"]
	}
	for _, p := range op.Parameters {
		f := s.docField(p.Name, p.Schema, p.Required)
		f.In, f.Description = p.In, p.Description
		d.Parameters = append(d.Parameters, f)
	}
	if op.RequestBody != nil {
		d.Bodies = s.docBodies(op.RequestBody.Content)
	}
	for _, status := range sortedKeys(op.Responses) {
		answer := docAnswer{Status: status, Description: op.Responses[status].Description}
		if strings.HasPrefix(status, "2") {
			answer.Bodies = s.docBodies(op.Responses[status].Content)
		}
		d.Answers = append(d.Answers, answer)
	}
	return d
}

// whoMay says in words what an operation needs.
func whoMay(op *huma.Operation) string {
	var who []string
	for _, need := range op.Security {
		if scopes, ok := need["bearer"]; ok {
			if len(scopes) == 0 {
				who = append(who, "any key")
			} else {
				who = append(who, "a key with the scope "+strings.Join(scopes, ", "))
			}
		}
		if users, ok := need["user"]; ok {
			who = append(who, whichUser(users[0]))
		}
		if _, ok := need["admin"]; ok {
			who = append(who, "the admin token")
		}
	}
	if len(who) == 0 {
		return "everybody"
	}
	return strings.Join(who, ", or ")
}

func (s *Server) docBodies(content map[string]*huma.MediaType) []docBody {
	var bodies []docBody
	for _, mediaType := range sortedKeys(content) {
		b := docBody{Type: mediaType}
		if schema := content[mediaType].Schema; schema != nil {
			b.Fields = s.docFields(nil, "", schema, 0)
		}
		bodies = append(bodies, b)
	}
	return bodies
}

// maxDocDepth is how deep the fields of a body are laid open.
const maxDocDepth = 4

// docFields lays a schema's fields open, each by its path.
func (s *Server) docFields(fields []docField, prefix string, schema *huma.Schema, depth int) []docField {
	schema = s.resolved(schema)
	if depth == maxDocDepth {
		return fields
	}
	if schema.Type == "array" && schema.Items != nil {
		return s.docFields(fields, prefix+"[]", schema.Items, depth+1)
	}
	for _, name := range sortedKeys(schema.Properties) {
		path := join(prefix, name)
		property := schema.Properties[name]
		fields = append(fields, s.docField(path, property, slices.Contains(schema.Required, name)))
		fields = s.docFields(fields, path, property, depth+1)
	}
	return fields
}

func (s *Server) docField(name string, schema *huma.Schema, required bool) docField {
	f := docField{Name: name, Description: schema.Description, Required: required}
	schema = s.resolved(schema)
	f.Type = schema.Type
	if schema.Type == "array" && schema.Items != nil {
		items := s.resolved(schema.Items)
		f.Type = "array of " + items.Type
		schema = items
	}
	if len(schema.OneOf) > 0 {
		var kinds []string
		for _, one := range schema.OneOf {
			kinds = append(kinds, one.Type)
		}
		f.Type = strings.Join(slices.Compact(kinds), " or ")
	}
	if schema.Nullable {
		f.Type += " or null"
	}
	if len(schema.Enum) > 0 {
		f.Limits = append(f.Limits, "one of "+strings.Trim(fmt.Sprint(schema.Enum), "[]"))
	}
	if schema.Default != nil {
		f.Limits = append(f.Limits, fmt.Sprintf("default %v", schema.Default))
	}
	if schema.Minimum != nil && schema.Maximum != nil && *schema.Maximum < 1<<53 {
		f.Limits = append(f.Limits, fmt.Sprintf("%.0f to %.0f", *schema.Minimum, *schema.Maximum))
	}
	return f
}

func (s *Server) resolved(schema *huma.Schema) *huma.Schema {
	for schema.Ref != "" {
		schema = s.api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
