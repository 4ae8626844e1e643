package api

import (
	"context"
	"fmt"
	"math"
	"time"

	"tidings"
	"tidings/feed"
)

// endpointJSON is an endpoint as it is shown: its options, secrets left out, and
// how far it has come.
type endpointJSON struct {
	ID         tidings.EndpointID `json:"id"`
	Name       string             `json:"name"`
	URL        string             `json:"url"`
	State      tidings.State      `json:"state" enum:"active,deactivated" doc:"deactivated: nothing is sent, the backlog is kept."`
	Auth       *shownAuthJSON     `json:"auth" doc:"null = none."`
	Headers    []shownHeaderJSON  `json:"headers"`
	Statuses   []string           `json:"statuses" doc:"Empty = all."`
	MediaTypes []string           `json:"mediaTypes" doc:"Empty = all."`
	Batch      shownBatchJSON     `json:"batch"`
	TimeoutMs  int64              `json:"timeoutMs"`
	Any2xx     bool               `json:"any2xx"`
	Signing    bool               `json:"signing" doc:"Deliveries are signed."`
	Secret     string             `json:"secret,omitempty" doc:"The signing secret, in the answer that made it and nowhere else."`
	OldSecret  *time.Time         `json:"oldSecretUntil,omitempty" doc:"Until when the secret before signs too, during a rotation."`
	Version    int64              `json:"version" doc:"Counts the changes."`
	CreatedAt  time.Time          `json:"createdAt"`
	UpdatedAt  time.Time          `json:"updatedAt"`

	Cursor       tidings.Seq  `json:"cursor" doc:"The last seq of what was delivered."`
	Head         tidings.Seq  `json:"head" doc:"The last seq of the account's feed."`
	Backlog      int64        `json:"backlog" doc:"Activities of the feed that are still ahead, those included that the filter will leave out."`
	OldestAgeMs  int64        `json:"oldestAgeMs" doc:"How long ago the first of the backlog arrived; 0 without one."`
	BlockedSince *time.Time   `json:"blockedSince" doc:"When the waiting batch failed first; null = not blocked."`
	Attempt      int          `json:"attempt" doc:"How many attempts of the waiting batch have failed."`
	NextTryAt    *time.Time   `json:"nextTryAt" doc:"null = at once, or never while deactivated."`
	LastError    string       `json:"lastError" doc:"Of the last failed attempt; empty after a delivery."`
	InFlight     bool         `json:"inFlight" doc:"A POST is under way."`
	Drain        forecastJSON `json:"drainForecast" doc:"When the backlog will be gone, at the rates of late."`
	Probe        *probeJSON   `json:"probe,omitempty" doc:"The test of the URL that this request made."`
}

type shownAuthJSON struct {
	Type     string `json:"type" enum:"basic"`
	Username string `json:"username"`
	Set      bool   `json:"set" doc:"A password is set. It is never shown."`
}

type shownHeaderJSON struct {
	Name string `json:"name"`
	Set  bool   `json:"set" doc:"A value is set. It is never shown."`
}

type shownBatchJSON struct {
	MaxItems int   `json:"maxItems"`
	MaxBytes int   `json:"maxBytes"`
	LingerMs int64 `json:"lingerMs"`
}

type forecastJSON struct {
	Seconds *int64 `json:"seconds" doc:"null = no end is in sight."`
	Text    string `json:"text" doc:"The same in words."`
}

type probeJSON struct {
	OK         bool   `json:"ok" doc:"The URL answered the GET with 200 (any 2xx with any2xx)."`
	Status     int    `json:"status" doc:"Of the answer; 0 = none was read."`
	Error      string `json:"error" doc:"What went wrong, in plain words; empty when ok."`
	Advice     string `json:"advice" doc:"What to do about it."`
	DurationMs int64  `json:"durationMs"`
}

func probeView(p feed.ProbeResult) *probeJSON {
	return &probeJSON{OK: p.OK, Status: p.Status, Error: p.Error, Advice: p.Advice, DurationMs: p.Duration.Milliseconds()}
}

// view shows an endpoint that was read with its position.
func (s *Server) view(ctx context.Context, ep *tidings.Endpoint, pos tidings.Position) (*endpointJSON, error) {
	head, err := s.store.Head(ctx, ep.Account)
	if err != nil {
		return nil, err
	}
	return s.viewAt(ctx, ep, pos, head)
}

func (s *Server) viewAt(ctx context.Context, ep *tidings.Endpoint, pos tidings.Position, head tidings.Seq) (*endpointJSON, error) {
	lane, here := s.cfg.Dispatcher.Lane(ep.ID)
	if here && lane.Position.Fence >= pos.Fence {
		pos = lane.Position // the lane is ahead of what it has stored, unless an act just moved it
	}
	lane.Position, lane.Head = pos, max(head, lane.Head, pos.Scanned)
	v := shownOptions(ep, s.cfg.Now())
	v.Cursor, v.Head, v.Backlog = pos.Cursor, lane.Head, int64(lane.Head-max(pos.Scanned, pos.Cursor))
	v.BlockedSince, v.NextTryAt = instant(pos.BlockedSince), instant(pos.NextTry)
	v.Attempt, v.LastError, v.InFlight = pos.Attempts, pos.LastError, lane.InFlight
	if v.Drain = forecast(ep, lane, v.Backlog); !here && s.cfg.Shared && v.Drain.Seconds == nil && !pos.Blocked() && ep.State == tidings.StateActive {
		v.Drain.Text = "another node delivers, and knows at which rate"
	}
	if v.Backlog > 0 {
		first, err := s.store.ArrivedAt(ctx, ep.Account, max(pos.Scanned, pos.Cursor)+1)
		// What retention has dropped since has no age any more.
		if err != nil && tidings.CodeOf(err) != tidings.CodeNotFound {
			return nil, err
		}
		if err == nil {
			v.OldestAgeMs = max(0, s.cfg.Now().Sub(first).Milliseconds())
		}
	}
	return v, nil
}

func shownOptions(ep *tidings.Endpoint, now time.Time) *endpointJSON {
	v := &endpointJSON{
		ID: ep.ID, Name: ep.Name, URL: ep.URL, State: ep.State, Headers: make([]shownHeaderJSON, len(ep.Headers)),
		Statuses: ep.Filter.Statuses.Names(), MediaTypes: ep.Filter.MediaTypes.Names(),
		Batch:     shownBatchJSON{ep.Batch.MaxItems, ep.Batch.MaxBytes, ep.Batch.Linger.Milliseconds()},
		TimeoutMs: ep.Timeout.Milliseconds(), Any2xx: ep.Any2xx, Signing: len(ep.Secrets) > 0,
		Version: ep.Version, CreatedAt: ep.CreatedAt.UTC(), UpdatedAt: ep.UpdatedAt.UTC(),
	}
	if ep.Auth != nil {
		v.Auth = &shownAuthJSON{Type: "basic", Username: ep.Auth.Username, Set: ep.Auth.Password != ""}
	}
	for i, h := range ep.Headers {
		v.Headers[i] = shownHeaderJSON{Name: h.Name, Set: true}
	}
	if len(ep.Secrets) > 1 && ep.Secrets[1].ExpiresAt.After(now) {
		v.OldSecret = instant(ep.Secrets[1].ExpiresAt)
	}
	return v
}

// instant gives nil for the zero time. All times are shown in milliseconds, as
// they are stored, also those that only a lane knows yet.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// forecast says when a backlog will be gone.
func forecast(ep *tidings.Endpoint, lane feed.LaneStatus, backlog int64) forecastJSON {
	switch {
	case backlog == 0:
		return forecastJSON{Seconds: ptr(int64(0)), Text: "caught up"}
	case ep.State != tidings.StateActive:
		return forecastJSON{Text: "deactivated: nothing is sent"}
	case lane.Position.Blocked():
		return forecastJSON{Text: "blocked: waits for the next try"}
	}
	left, ok := lane.Forecast()
	switch {
	case ok:
		seconds := int64(math.Ceil(left.Seconds()))
		return forecastJSON{Seconds: &seconds, Text: fmt.Sprintf("in about %s, at %.0f activities a second", inWords(left), lane.PerSecond)}
	case lane.PerSecond < 0.5:
		return forecastJSON{Text: "nothing was delivered of late"}
	}
	return forecastJSON{Text: fmt.Sprintf("no end in sight: %.0f activities a second arrive, %.0f are delivered", lane.ArrivingPerSecond, lane.PerSecond)}
}

func inWords(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f seconds", math.Ceil(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", math.Ceil(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f hours", math.Ceil(d.Hours()))
	}
	return fmt.Sprintf("%.0f days", math.Ceil(d.Hours()/24))
}
