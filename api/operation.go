package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// registerOperation registers what watches over the server: open to everybody,
// with nothing of any account in it.
func (s *Server) registerOperation() {
	status := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
		Type: "object", Required: []string{"status"}, Properties: map[string]*huma.Schema{"status": {Type: "string"}},
	}}}
	s.raw(huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/healthz", Tags: []string{"Operation"}, Summary: "Does the process live?",
		Responses:  map[string]*huma.Response{"200": {Description: "It does.", Content: status}},
		Extensions: curl(`curl $TIDINGS/healthz`),
	}, access{open: true}, func(w http.ResponseWriter, _ *http.Request, _ caller) {
		writeJSON(w, []byte(`{"status":"ok"}`+"\n"))
	})
	s.raw(huma.Operation{
		OperationID: "readiness", Method: http.MethodGet, Path: "/readyz", Tags: []string{"Operation"}, Summary: "Can it take and deliver activities now?",
		Description: "503 with the reason when it can't.",
		Responses:   map[string]*huma.Response{"200": {Description: "It can.", Content: status}}, Errors: []int{503},
		Extensions: curl(`curl $TIDINGS/readyz`),
	}, access{open: true}, s.ready)
	s.raw(huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/metrics", Tags: []string{"Operation"}, Summary: "Figures, in the form of Prometheus",
		Responses:  map[string]*huma.Response{"200": {Description: "The figures.", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: "string"}}}}},
		Extensions: curl(`curl $TIDINGS/metrics`),
	}, access{open: true}, func(w http.ResponseWriter, r *http.Request, _ caller) { s.meter.handler.ServeHTTP(w, r) })
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request, _ caller) {
	err := s.cfg.Ready()
	if err == nil && s.ending.Err() != nil {
		err = tidings.Errorf(tidings.CodeUnavailable, "the server stops")
	}
	if err != nil {
		if tidings.CodeOf(err) == tidings.CodeInternal {
			err = &tidings.Error{Code: tidings.CodeUnavailable, Message: "the server is not ready: its log says why", Err: err}
		}
		s.fail(w, r, err)
		return
	}
	writeJSON(w, []byte(`{"status":"ready"}`+"\n"))
}
