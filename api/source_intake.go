package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/source"
)

// The door for the events of other senders. It has no key: who calls shows by
// the signature that it is the sender whose secrets the source has.

type takenJSON struct {
	Accepted int                 `json:"accepted" doc:"Events that are activities now."`
	Repeated int                 `json:"repeated" doc:"Events that had come before."`
	Ignored  []ignoredSourceJSON `json:"ignored" doc:"Events that become no activity."`
}

type ignoredSourceJSON struct {
	Event  string `json:"event" doc:"As the sender calls it."`
	Reason string `json:"reason"`
}

func (s *Server) registerSourceIntake() {
	s.raw(huma.Operation{
		OperationID: "take-source-events", Method: http.MethodPost, Path: "/v1/sources/{id}", Tags: []string{"Sources"},
		Summary: "Take events of another sender: its webhook's URL",
		Description: "In the sender's own form, at most 4 MiB. No key: the request is verified by the source's secrets. " +
			"Each event is stored once, however often it comes. Answered 200 once all is durable; the topics of Amazon SNS that the source names are confirmed.",
		Parameters: []*huma.Param{pathID("The source's id.")},
		RequestBody: &huma.RequestBody{Required: true, Description: "As the sender sends it.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{}}, "application/x-www-form-urlencoded": {Schema: &huma.Schema{}}, "text/plain": {Schema: &huma.Schema{}},
		}},
		Responses:  map[string]*huma.Response{"200": {Description: "What was stored.", Content: jsonOf(s, takenJSON{})}},
		Errors:     []int{400, 401, 404, 408, 413, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/sources/1 -H "Content-Type: application/json" -H "X-Twilio-Email-Event-Webhook-Signature: …" -H "X-Twilio-Email-Event-Webhook-Timestamp: …" -d @events.json`),
	}, access{open: true}, s.takeSourceEvents)
}

func (s *Server) takeSourceEvents(w http.ResponseWriter, r *http.Request, _ caller) {
	taken, err := s.sourceEvents(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	body, err := json.Marshal(taken)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, body)
}

func (s *Server) sourceEvents(r *http.Request) (*takenJSON, error) {
	ctx := r.Context()
	id, err := idOf(r)
	if err != nil {
		return nil, err
	}
	src, err := s.store.SourceByID(ctx, tidings.SourceID(id))
	if err != nil {
		return nil, err
	}
	taken, err := s.eventsOf(ctx, &src, r)
	s.intakes.note(src.ID, intakeOf(s.cfg.Now(), taken, err))
	return taken, err
}

// eventsOf reads and keeps the events of a request to a source.
func (s *Server) eventsOf(ctx context.Context, src *tidings.Source, r *http.Request) (*takenJSON, error) {
	held := &heldBody{s: &s.bodies}
	defer held.release()
	body, err := held.readUpTo(r.Body, source.MaxBody)
	if err != nil {
		if tidings.CodeOf(err) == tidings.CodeInternal {
			err = readFailure(err)
		}
		return nil, err
	}
	if len(body) > source.MaxBody {
		return nil, tidings.Errorf(tidings.CodeTooLarge, "the body is over %d bytes", source.MaxBody)
	}
	var secrets source.Secrets
	if err := json.Unmarshal([]byte(src.Secret), &secrets); err != nil {
		return nil, err
	}
	result, err := source.Parse(ctx, source.Kind(src.Kind), secrets, source.Request{
		Header: r.Header, URL: s.calledAs(r), Body: body, Now: s.cfg.Now(), Certificate: s.certificates.Get,
	})
	if err != nil {
		return nil, err
	}
	if result.Confirm != nil {
		if err := s.confirm(ctx, src, result.Confirm); err != nil {
			return nil, err
		}
	}
	return s.keepEvents(ctx, src, &result)
}

// calledAs gives the URL of a request as its sender knows it.
func (s *Server) calledAs(r *http.Request) string {
	if s.cfg.PublicURL != "" {
		return strings.TrimRight(s.cfg.PublicURL, "/") + r.URL.RequestURI()
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + r.URL.RequestURI()
}

// confirm says yes to a topic that asks whether it may send here: who set the
// source up has named it.
func (s *Server) confirm(ctx context.Context, src *tidings.Source, c *source.Confirmation) error {
	if _, err := s.cfg.Fetch(ctx, c.URL); err != nil {
		return &tidings.Error{Code: tidings.CodeUnavailable, Message: "the topic could not be confirmed now: it will ask again", Err: err}
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "a topic of a source was confirmed", slog.Int64("source", int64(src.ID)), slog.String("topic", c.TopicARN))
	return nil
}

// keepEvents stores what a request says.
func (s *Server) keepEvents(ctx context.Context, src *tidings.Source, result *source.Result) (*takenJSON, error) {
	settings, err := s.store.MailSettings(ctx, src.Account)
	if err != nil {
		return nil, err
	}
	out := &takenJSON{Ignored: make([]ignoredSourceJSON, 0, len(result.Ignored))}
	for _, i := range result.Ignored {
		out.Ignored = append(out.Ignored, ignoredSourceJSON{i.Event, i.Reason})
	}
	var events []tidings.SourceEvent
	now := s.cfg.Now()
	for _, a := range result.Activities {
		if a.Machine && !settings.CountMachineOpens {
			out.Ignored = append(out.Ignored, ignoredSourceJSON{a.Event, "a machine did it"})
			continue
		}
		events = append(events, tidings.SourceEvent{
			ID: a.ID, Contact: tidings.ContactID(a.ContactID), ExternalCustomerID: a.ExternalCustomerID, Email: a.Email, SMS: a.SMS,
			Activity: func(contact tidings.ContactID) (tidings.Activity, error) {
				a.ContactID = int64(contact)
				list, err := tidings.ParseActivities(append(append([]byte{'['}, a.Wire()...), ']'), tidings.Intake{Now: now})
				if err != nil {
					return tidings.Activity{}, err
				}
				return list[0], nil
			},
		})
	}
	if len(events) == 0 {
		return out, nil
	}
	out.Accepted, out.Repeated, err = s.store.AppendFromSource(ctx, src.ID, events)
	return out, err
}
