package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Settings is what the API asks of a store about an account's settings. Every
// change leaves its audit record.
type Settings interface {
	MailSettings(ctx context.Context, account tidings.AccountID) (tidings.MailSettings, error)
	// UpdateMailSettings stores changed settings; CodeConflict when the Version is not the stored one.
	UpdateMailSettings(ctx context.Context, account tidings.AccountID, m tidings.MailSettings, actor string) (tidings.MailSettings, error)
}

type mailSettingsInputJSON struct {
	CountMachineOpens optional[bool]             `json:"countMachineOpens,omitempty" doc:"true: READ and CLICKED are made also of what scanners and privacy proxies open. Default false."`
	From              optional[mailboxInputJSON] `json:"from,omitempty" doc:"The sender of messages that have none; null = none."`
	Categories        optional[[]categoryJSON]   `json:"categories,omitempty" doc:"The subscription categories that the preference page offers; at most 100."`
	Version           optional[int]              `json:"version,omitempty" doc:"The version that was read; 409 when it has changed since."`
}

type categoryJSON struct {
	Key  string `json:"key,omitempty" doc:"As contacts have it in their subscriptions."`
	Name string `json:"name,omitempty" doc:"For people; empty = the key."`
}

type mailSettingsJSON struct {
	CountMachineOpens bool           `json:"countMachineOpens"`
	From              mailboxJSON    `json:"from"`
	Categories        []categoryJSON `json:"categories"`
	Version           int64          `json:"version" doc:"Counts the changes."`
	Server            *MailServer    `json:"server" doc:"The SMTP server of this installation; null = nothing is said of it."`
}

// MailServer is how the SMTP server stands that takes the mails.
type MailServer struct {
	Address string `json:"address" doc:"Host and port; empty = there is none: mails are kept in the outbox and count as sent."`
	Error   string `json:"error" doc:"Why it can't be reached; empty = it can, or was not needed yet."`
}

// maxCategories is how many the preference page offers at most.
const maxCategories = 100

func (s *Server) registerSettings() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "get-mail-settings", Method: http.MethodGet, Path: "/v1/settings/mail", Tags: []string{"Settings"},
		Summary: "Show the account's settings of mail", Errors: []int{503},
		Extensions: curl(`curl $TIDINGS/v1/settings/mail -H "Authorization: Bearer $KEY"`),
	}, read, s.getMailSettings)
	operate(s, huma.Operation{
		OperationID: "change-mail-settings", Method: http.MethodPatch, Path: "/v1/settings/mail", Tags: []string{"Settings"},
		Summary: "Change the account's settings of mail", Description: "A JSON merge patch: absent = unchanged, null = the default.", Errors: []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X PATCH $TIDINGS/v1/settings/mail -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"from":{"name":"Shop","address":"shop@example.com"},"categories":[{"key":"NEWS","name":"News, once a week"}]}'`),
	}, manage, s.changeMailSettings)
}

func mailSettingsView(m *tidings.MailSettings) mailSettingsJSON {
	v := mailSettingsJSON{CountMachineOpens: m.CountMachineOpens, From: mailboxJSON(m.From), Categories: make([]categoryJSON, len(m.Categories)), Version: m.Version}
	for i, c := range m.Categories {
		v.Categories[i] = categoryJSON(c)
	}
	return v
}

func (s *Server) getMailSettings(ctx context.Context, c caller, _ *struct{}) (*struct{ Body mailSettingsJSON }, error) {
	m, err := s.store.MailSettings(ctx, c.account())
	v := mailSettingsView(&m)
	v.Server = s.cfg.MailServer()
	return &struct{ Body mailSettingsJSON }{v}, err
}

func (s *Server) changeMailSettings(ctx context.Context, c caller, in *struct{ JSON body[mailSettingsInputJSON] }) (*struct{ Body mailSettingsJSON }, error) {
	asked := &in.JSON.value
	m, err := s.store.MailSettings(ctx, c.account())
	if err != nil {
		return nil, err
	}
	was := mailSettingsView(&m)
	if err := asked.apply(&m); err != nil {
		return nil, err
	}
	if asked.Version.given() {
		m.Version = int64(asked.Version.value)
	}
	if fmt.Sprint(was) != fmt.Sprint(mailSettingsView(&m)) {
		if m, err = s.store.UpdateMailSettings(ctx, c.account(), m, c.actor()); err != nil {
			return nil, err
		}
	}
	v := mailSettingsView(&m)
	v.Server = s.cfg.MailServer()
	return &struct{ Body mailSettingsJSON }{v}, nil
}

func (in *mailSettingsInputJSON) apply(m *tidings.MailSettings) error {
	d := &decoder{}
	in.CountMachineOpens.put(&m.CountMachineOpens, false)
	if in.From.set {
		m.From = in.From.value.mailbox()
		d.mailbox("from", m.From)
	}
	if in.Categories.set {
		m.Categories = make([]tidings.Category, len(in.Categories.value))
		for i, c := range in.Categories.value {
			m.Categories[i] = tidings.Category(c)
		}
		d.categories("categories", m.Categories)
	}
	if len(d.faults) > 0 {
		return &tidings.Error{Code: tidings.CodeInvalid, Message: "the settings break the rules: nothing was changed", Fields: d.faults}
	}
	return nil
}

// mailbox checks a sender; both parts may be empty.
func (d *decoder) mailbox(path string, m tidings.Mailbox) {
	d.label(join(path, "name"), m.Name)
	if m.Address == "" {
		if m.Name != "" {
			d.fault(join(path, "address"), "is required with a name")
		}
		return
	}
	if _, reason := tidings.CheckChannel(tidings.Email, m.Address); reason != "" {
		d.fault(join(path, "address"), "%s", reason)
	}
}

func (d *decoder) categories(path string, list []tidings.Category) {
	if len(list) > maxCategories {
		d.fault(path, "has more than %d categories", maxCategories)
	}
	var keys []string
	for i, c := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if reason := tidings.CheckCategory(c.Key); reason != "" {
			d.fault(at+".key", "%s", reason)
		}
		if strings.TrimSpace(c.Key) == "" {
			d.fault(at+".key", "is required")
		}
		if slices.Contains(keys, c.Key) {
			d.fault(at+".key", "is given twice")
		}
		keys = append(keys, c.Key)
		d.label(at+".name", c.Name)
	}
}
