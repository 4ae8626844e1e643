package api

import (
	"context"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Blacklist is what the API asks of a store about addresses that nothing may be sent to.
type Blacklist interface {
	AddToBlacklist(ctx context.Context, account tidings.AccountID, channels []tidings.Channel, reason string) (added int, err error)
	RemoveFromBlacklist(ctx context.Context, account tidings.AccountID, channels []tidings.Channel) (removed int, err error)
	Blacklist(ctx context.Context, account tidings.AccountID, after int64, limit int) ([]tidings.BlacklistEntry, error)
}

// maxBlacklistAtOnce is how many addresses one request may put on the list or take off it.
const maxBlacklistAtOnce = 500

type blacklistInputJSON struct {
	Channels optional[[]channelInputJSON] `json:"channels,omitempty" maxItems:"500" doc:"The addresses."`
	Reason   optional[string]             `json:"reason,omitempty" maxLength:"255" doc:"Why, for people; only when they are put on the list."`
}

type blacklistEntryJSON struct {
	ID        int64     `json:"id"`
	Type      string    `json:"type"`
	Value     string    `json:"value" doc:"Emails are in small letters."`
	Reason    string    `json:"reason"`
	CreatedAt time.Time `json:"createdAt"`
}

type blacklistJSON struct {
	Entries []blacklistEntryJSON `json:"entries"`
	Next    *int64               `json:"next" doc:"after of the next page; null on the last."`
}

type blacklistedJSON struct {
	Added int `json:"added" doc:"How many were not on the list."`
}

func (s *Server) registerBlacklist() {
	operate(s, huma.Operation{
		OperationID: "list-blacklist", Method: http.MethodGet, Path: "/v1/blacklist", Tags: []string{"Contacts"},
		Summary: "List the addresses that nothing may be sent to", Errors: []int{400, 503},
		Extensions: curl(`curl $TIDINGS/v1/blacklist -H "Authorization: Bearer $KEY"`),
	}, access{scope: tidings.ScopeRead}, s.listBlacklist)
	operate(s, huma.Operation{
		OperationID: "add-to-blacklist", Method: http.MethodPost, Path: "/v1/blacklist", Tags: []string{"Contacts"},
		Summary: "Let nothing be sent to some addresses", Description: "It holds for the address, whoever has it, now or later.", Errors: []int{400, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/blacklist -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"channels":[{"type":"email","value":"ann@example.com"}],"reason":"asked by phone"}'`),
	}, write(), s.addToBlacklist)
	operate(s, huma.Operation{
		OperationID: "remove-from-blacklist", Method: http.MethodPost, Path: "/v1/blacklist/remove", Tags: []string{"Contacts"},
		Summary: "Take addresses off the black list", Errors: []int{400, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/blacklist/remove -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"channels":[{"type":"email","value":"ann@example.com"}]}'`),
	}, write(), s.removeFromBlacklist)
}

func (s *Server) listBlacklist(ctx context.Context, c caller, in *struct {
	After int64 `query:"after" minimum:"0" doc:"next of the page before."`
	Limit int   `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"The most addresses of a page."`
},
) (*struct{ Body blacklistJSON }, error) {
	entries, err := s.store.Blacklist(ctx, c.account(), in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := blacklistJSON{Entries: make([]blacklistEntryJSON, len(entries))}
	for i, e := range entries {
		out.Entries[i] = blacklistEntryJSON{e.ID, e.Channel.Type.String(), e.Channel.Value, e.Reason, e.CreatedAt}
	}
	if len(entries) == in.Limit {
		out.Next = &entries[len(entries)-1].ID
	}
	return &struct{ Body blacklistJSON }{out}, nil
}

// read checks the addresses of a body.
func (in *blacklistInputJSON) read(withReason bool) ([]tidings.Channel, error) {
	d := &decoder{}
	channels := readChannels(d, in.Channels.value)
	if n := len(channels); n == 0 || n > maxBlacklistAtOnce {
		d.fault("channels", "must be 1 to %d addresses", maxBlacklistAtOnce)
	}
	switch n := utf8.RuneCountInString(in.Reason.value); {
	case in.Reason.set && !withReason:
		d.fault("reason", "goes with putting addresses on the list")
	case n > tidings.MaxContactText || hasControl(in.Reason.value):
		d.fault("reason", "%s", fmt.Sprintf("must have at most %d characters and no control characters", tidings.MaxContactText))
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the request breaks the rules: nothing was changed", Fields: d.faults}
	}
	return channels, nil
}

func (s *Server) addToBlacklist(ctx context.Context, c caller, in *struct{ JSON body[blacklistInputJSON] }) (*struct{ Body blacklistedJSON }, error) {
	channels, err := in.JSON.value.read(true)
	if err != nil {
		return nil, err
	}
	n, err := s.store.AddToBlacklist(ctx, c.account(), channels, in.JSON.value.Reason.value)
	return &struct{ Body blacklistedJSON }{blacklistedJSON{n}}, err
}

func (s *Server) removeFromBlacklist(ctx context.Context, c caller, in *struct{ JSON body[blacklistInputJSON] }) (*struct{ Body removedJSON }, error) {
	channels, err := in.JSON.value.read(false)
	if err != nil {
		return nil, err
	}
	n, err := s.store.RemoveFromBlacklist(ctx, c.account(), channels)
	return &struct{ Body removedJSON }{removedJSON{n}}, err
}
