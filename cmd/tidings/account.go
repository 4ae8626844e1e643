package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"
)

// accountCmd groups what the admin does with accounts.
type accountCmd struct {
	Create accountCreateCmd `cmd:"" help:"Create an account and print its first API key."`
	List   accountListCmd   `cmd:"" help:"List the accounts."`
}

// adminFlags say which server, and prove that the caller is its admin.
type adminFlags struct {
	Server     string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"The running server."`
	AdminToken string `required:"" placeholder:"TOKEN" help:"The token that the server was started with (better given in the environment)."`
	JSON       bool   `name:"json" help:"Print the server's JSON."`
}

// accountCreateCmd creates an account.
type accountCreateCmd struct {
	Name string `arg:"" help:"Name of the account."`
	adminFlags
}

// account is an account as the API gives it.
type account struct {
	ID        json.Number `json:"id"`
	Name      string      `json:"name"`
	APIKey    string      `json:"apiKey,omitempty"`
	CreatedAt time.Time   `json:"createdAt"`
}

// Run creates the account.
func (c *accountCreateCmd) Run(ctx context.Context, term terminal) error {
	var created account
	if err := newClient(c.Server, c.AdminToken).call(ctx, http.MethodPost, "/v1/accounts", map[string]string{"name": c.Name}, &created); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(term.out).Encode(map[string]any{"id": created.ID, "apiKey": created.APIKey})
	}
	_, err := fmt.Fprintf(term.out, "account %s (%s)\nAPI key %s\n\nThe key is shown this once: keep it. It may send activities, read, and change endpoints and keys.\n",
		created.ID, c.Name, created.APIKey)
	return err
}

// accountListCmd lists the accounts.
type accountListCmd struct {
	adminFlags
}

// Run lists, page by page.
func (c *accountListCmd) Run(ctx context.Context, term terminal) error {
	api := newClient(c.Server, c.AdminToken)
	table := tabwriter.NewWriter(term.out, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "ID\tNAME\tCREATED")
	}
	after := json.Number("0")
	for {
		var page struct {
			Accounts []account   `json:"accounts"`
			Next     json.Number `json:"next"`
		}
		if err := api.call(ctx, http.MethodGet, "/v1/accounts?after="+after.String(), nil, &page); err != nil {
			return err
		}
		for _, a := range page.Accounts {
			if c.JSON {
				if err := json.NewEncoder(term.out).Encode(a); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", a.ID, a.Name, a.CreatedAt.Format(time.DateTime))
		}
		if page.Next == "" || page.Next == "0" {
			return table.Flush()
		}
		after = page.Next
	}
}
