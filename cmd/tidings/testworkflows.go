package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// testWorkflowsCmd runs the cases of workflows, for a pipeline that deploys changes.
type testWorkflowsCmd struct {
	Workflows []int64 `arg:"" optional:"" help:"Ids of workflows; all when none is given."`
	Server    string  `default:"http://127.0.0.1:8080" placeholder:"URL" help:"The running server."`
	Key       string  `required:"" placeholder:"KEY" help:"A key of the account, with the scopes read and manage (better given in the environment)."`
	JSON      bool    `name:"json" help:"Print the outcome as JSON."`
}

// workflowCases is the outcome of one workflow's cases, as the API gives it.
type workflowCases struct {
	WorkflowID int64        `json:"workflowId"`
	Name       string       `json:"name"`
	Cases      []caseResult `json:"cases"`
}

type caseResult struct {
	ID          int64            `json:"id"`
	Name        string           `json:"name"`
	OK          bool             `json:"ok"`
	Error       string           `json:"error"`
	Differences []caseDifference `json:"differences"`
}

type caseDifference struct {
	Path     string          `json:"path"`
	Expected json.RawMessage `json:"expected"`
	Got      json.RawMessage `json:"got"`
}

// errCasesChanged ends the command with 1 when a case gave something else.
var errCasesChanged = errors.New("not every case gave what it gave when it was saved")

// Run runs the cases, workflow by workflow.
func (c *testWorkflowsCmd) Run(ctx context.Context, term terminal) error {
	api := newClient(c.Server, c.Key)
	list, err := c.list(ctx, api)
	if err != nil {
		return err
	}
	paint := paint(term.colours)
	cases, changed := 0, 0
	for i := range list {
		w := &list[i]
		if err := api.call(ctx, http.MethodPost, fmt.Sprintf("/v1/workflows/%d/cases/run", w.WorkflowID), nil, w); err != nil {
			return fmt.Errorf("workflow %d: %w", w.WorkflowID, err)
		}
		for _, k := range w.Cases {
			if cases++; !k.OK {
				changed++
			}
		}
		if !c.JSON {
			w.print(term, paint)
		}
	}
	if c.JSON {
		if err := json.NewEncoder(term.out).Encode(list); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(term.out, "%s of %s: %d changed\n", countOf(cases, "case", "cases"), countOf(len(list), "workflow", "workflows"), changed)
	}
	if changed > 0 {
		return errCasesChanged
	}
	return nil
}

// list gives the workflows whose cases are run, with their names.
func (c *testWorkflowsCmd) list(ctx context.Context, api *client) ([]workflowCases, error) {
	var list []workflowCases
	if len(c.Workflows) > 0 {
		for _, id := range c.Workflows {
			w := workflowCases{WorkflowID: id}
			if err := api.call(ctx, http.MethodGet, fmt.Sprintf("/v1/workflows/%d", id), nil, &w); err != nil {
				return nil, fmt.Errorf("workflow %d: %w", id, err)
			}
			list = append(list, w)
		}
		return list, nil
	}
	for after := json.Number("0"); ; {
		var page struct {
			Workflows []struct {
				ID   int64  `json:"id"`
				Name string `json:"name"`
			} `json:"workflows"`
			Next json.Number `json:"next"`
		}
		if err := api.call(ctx, http.MethodGet, "/v1/workflows?after="+after.String(), nil, &page); err != nil {
			return nil, err
		}
		for _, w := range page.Workflows {
			list = append(list, workflowCases{WorkflowID: w.ID, Name: w.Name})
		}
		if page.Next == "" {
			return list, nil
		}
		after = page.Next
	}
}

// print shows the outcome of one workflow for people.
func (w *workflowCases) print(term terminal, paint paint) {
	for _, k := range w.Cases {
		mark := paint.good("✓")
		if !k.OK {
			mark = paint.bad("✗")
		}
		fmt.Fprintf(term.out, "%s %s: %s\n", mark, w.Name, k.Name)
		if k.Error != "" {
			fmt.Fprintf(term.out, "    %s\n", k.Error)
		}
		for _, d := range k.Differences {
			fmt.Fprintf(term.out, "    %s\n      was %s\n      is  %s\n", d.Path, orNothing(d.Expected), orNothing(d.Got))
		}
	}
}

// orNothing writes a value of a difference; one side may have none.
func orNothing(v json.RawMessage) string {
	if len(v) == 0 {
		return "nothing"
	}
	return string(v)
}
