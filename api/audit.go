package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Audit is what the API asks of a store about who did what.
type Audit interface {
	// Audit gives records newest first.
	Audit(ctx context.Context, q tidings.AuditQuery) ([]tidings.AuditRecord, error)
}

type auditRecordJSON struct {
	ID       int64               `json:"id"`
	At       time.Time           `json:"at"`
	Actor    string              `json:"actor" doc:"A key by id and name, or admin."`
	Action   string              `json:"action" doc:"For example endpoint.skip."`
	Endpoint *tidings.EndpointID `json:"endpoint" doc:"null when it was not about an endpoint."`
	Detail   string              `json:"detail" doc:"In words; never a secret."`
}

type auditJSON struct {
	Records []auditRecordJSON `json:"records"`
	Next    *int64            `json:"next" doc:"before of the next page; null on the last."`
}

func (s *Server) registerAudit() {
	operate(s, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/v1/audit", Tags: []string{"Audit"},
		Summary: "Who changed what, newest first", Description: "Every change of settings and every act of an operator in this account.", Errors: []int{400, 503},
		Extensions: curl(`curl $TIDINGS/v1/audit -H "Authorization: Bearer $KEY"`),
	}, access{scope: tidings.ScopeManage}, s.listAudit)
}

func (s *Server) listAudit(ctx context.Context, c caller, in *struct {
	Before int64  `query:"before" minimum:"0" doc:"next of the page before; 0 = from the newest."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most records of a page."`
	Action string `query:"action" maxLength:"100" doc:"Only actions that begin so: endpoint. or endpoint.skip."`
	Actor  string `query:"actor" maxLength:"300" doc:"Only actors that begin so, as in actor: key 12 (billing), or user 3 ."`
	From   string `query:"from" maxLength:"40" doc:"Only at this time or later, as 2026-01-31T15:04:05Z."`
	To     string `query:"to" maxLength:"40" doc:"Only before this time."`
},
) (*struct{ Body auditJSON }, error) {
	d := &decoder{}
	q := tidings.AuditQuery{
		Account: c.account(), Before: in.Before, Limit: in.Limit, Action: in.Action, Actor: in.Actor,
		From: d.queryTime("from", in.From), To: d.queryTime("to", in.To),
	}
	if len(d.faults) > 0 {
		return nil, unreadable("the request's parameters are wrong", d.faults...)
	}
	records, err := s.store.Audit(ctx, q)
	if err != nil {
		return nil, err
	}
	out := auditJSON{Records: make([]auditRecordJSON, len(records))}
	for i, r := range records {
		out.Records[i] = auditRecordJSON{ID: r.ID, At: r.At.UTC(), Actor: r.Actor, Action: r.Action, Detail: r.Detail}
		if r.Endpoint != 0 {
			out.Records[i].Endpoint = &r.Endpoint
		}
	}
	if len(records) == in.Limit {
		out.Next = &records[len(records)-1].ID
	}
	return &struct{ Body auditJSON }{out}, nil
}
