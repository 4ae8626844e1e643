package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"tidings"
)

// userCmd groups what the admin does with the users of accounts, above all
// when nobody can sign in any more who might help the others.
type userCmd struct {
	List   userListCmd   `cmd:"" help:"List the users of an account."`
	Invite userInviteCmd `cmd:"" help:"Invite a user and print the one-time link by which they set a password."`
	Link   userLinkCmd   `cmd:"" help:"Print a new one-time link for a user who has lost their password."`
}

// person is a user as the API gives it.
type person struct {
	ID     json.Number `json:"id"`
	Email  string      `json:"email"`
	Name   string      `json:"name"`
	Role   string      `json:"role"`
	Active bool        `json:"active"`
	SeenAt *time.Time  `json:"seenAt"`
}

// linkedPerson is a user with a one-time link.
type linkedPerson struct {
	User          person    `json:"user"`
	Link          string    `json:"link"`
	LinkExpiresAt time.Time `json:"linkExpiresAt"`
}

// usersOf is the path of the users of an account.
func usersOf(account int64) string {
	return "/v1/accounts/" + strconv.FormatInt(account, 10) + "/users"
}

// eachPerson gives the users of an account one by one, until f says that it is enough.
func eachPerson(ctx context.Context, api *client, account int64, f func(person) (enough bool, err error)) error {
	for after := json.Number("0"); ; {
		var page struct {
			Users []person    `json:"users"`
			Next  json.Number `json:"next"`
		}
		if err := api.call(ctx, http.MethodGet, usersOf(account)+"?after="+url.QueryEscape(after.String()), nil, &page); err != nil {
			return err
		}
		for _, p := range page.Users {
			if enough, err := f(p); enough || err != nil {
				return err
			}
		}
		if page.Next == "" || page.Next == "0" {
			return nil
		}
		after = page.Next
	}
}

// userListCmd lists the users of an account.
type userListCmd struct {
	Account int64 `arg:"" help:"Id of the account (see: tidings account list)."`
	adminFlags
}

// Run lists, page by page.
func (c *userListCmd) Run(ctx context.Context, term terminal) error {
	table := tabwriter.NewWriter(term.out, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "ID\tEMAIL\tNAME\tROLE\tLAST SEEN")
	}
	err := eachPerson(ctx, newClient(c.Server, c.AdminToken), c.Account, func(p person) (bool, error) {
		if c.JSON {
			return false, json.NewEncoder(term.out).Encode(p)
		}
		_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", p.ID, p.Email, p.Name, p.Role, p.lastSeen())
		return false, err
	})
	if err != nil {
		return err
	}
	return table.Flush()
}

// lastSeen says in words when a user was last there.
func (p *person) lastSeen() string {
	switch {
	case !p.Active:
		return "invited"
	case p.SeenAt == nil:
		return "never"
	}
	return p.SeenAt.Format(time.DateTime)
}

// userInviteCmd invites a user.
type userInviteCmd struct {
	Account int64  `arg:"" help:"Id of the account (see: tidings account list)."`
	Email   string `arg:"" help:"Email address by which the user will sign in."`
	Role    string `default:"owner" placeholder:"ROLE" enum:"owner,editor,viewer" help:"What the user may: owner (everything), editor (all but users and keys) or viewer (looks)."`
	Name    string `placeholder:"NAME" help:"The user's name. Default: what stands before the @."`
	adminFlags
}

// Run invites.
func (c *userInviteCmd) Run(ctx context.Context, term terminal) error {
	asked := map[string]string{"email": c.Email, "role": c.Role}
	if c.Name != "" {
		asked["name"] = c.Name
	}
	var made linkedPerson
	if err := newClient(c.Server, c.AdminToken).call(ctx, http.MethodPost, usersOf(c.Account), asked, &made); err != nil {
		return err
	}
	return made.print(term, c.JSON)
}

// userLinkCmd makes a new one-time link.
type userLinkCmd struct {
	Account int64  `arg:"" help:"Id of the account (see: tidings account list)."`
	Email   string `arg:"" help:"Email address of the user."`
	adminFlags
}

// Run finds the user and makes the link.
func (c *userLinkCmd) Run(ctx context.Context, term terminal) error {
	email, fault := tidings.NormalizeUserEmail(c.Email)
	if fault != "" {
		return usageError{fmt.Errorf("%q %s", c.Email, fault)}
	}
	api := newClient(c.Server, c.AdminToken)
	id := ""
	err := eachPerson(ctx, api, c.Account, func(p person) (bool, error) {
		if p.Email == email {
			id = p.ID.String()
		}
		return id != "", nil
	})
	if err != nil {
		return err
	}
	if id == "" {
		return fmt.Errorf("account %d has no user %s: see tidings user list %d", c.Account, email, c.Account)
	}
	var made linkedPerson
	if err := api.call(ctx, http.MethodPost, usersOf(c.Account)+"/"+id+"/link", nil, &made); err != nil {
		return err
	}
	return made.print(term, c.JSON)
}

// print shows the link for people, or the answer for programs.
func (l *linkedPerson) print(term terminal, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(term.out).Encode(l)
	}
	_, err := fmt.Fprintf(term.out, "user %s (%s, %s)\n%s\n\nThe link is shown this once and works once, until %s: give it to them and to nobody else.\n",
		l.User.ID, l.User.Email, l.User.Role, l.Link, l.LinkExpiresAt.Local().Format(time.DateTime))
	return err
}

// offerSetup prints the link that makes the first owner, as long as there is no
// user. Each start makes a new one, so that one from an old log opens nothing;
// of several nodes the newest's works.
func (s *server) offerSetup(ctx context.Context, term terminal, publicURL string) error {
	if there, err := s.store.AnyUser(ctx); there || err != nil {
		return err
	}
	token, until := tidings.MakeToken(), time.Now().Add(tidings.LinkLife)
	if err := s.store.MakeSetupLink(ctx, tidings.TokenDigest(token), until); err != nil {
		return err
	}
	base := strings.TrimRight(cmp.Or(publicURL, s.URL()), "/")
	_, err := fmt.Fprintf(term.out, "Open %s/setup/%s to make the first owner (valid until %s)\n", base, token, until.Format(time.DateTime))
	return err
}
