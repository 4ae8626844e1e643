// Package message makes emails of messages, sends them, and hears what becomes
// of them. It knows no store: what it asks of one are small interfaces beside
// their users, with the signatures of *store.Store.
//
// # The way of a mail
//
//	check.go        what may be saved as a message; compile.go: its templates, parsed once a version
//	render.go       a message for one contact: subject, html and text; escape.go: values are data
//	preview.go      the same for people, as it will arrive
//	broadcast.go    a message for a segment: pages of contacts become mails
//	send.go         mails that are due are claimed; pace.go: whose turn it is
//	email.go        the MIME message; text.go: text made of html; dkim.go: signed
//	track.go        signed links (token.go) in place of the message's own; rewrite.go: in its html
//	smtp.go         one conversation with the server; answer.go: what its words mean
//	pages.go        what the links lead to: opens, clicks, the web version, unsubscribing (page_*.go)
//	machine.go      which of them are machines' doing
//
// And back: inbound.go (bounces, complaints), verp.go (of which mail), heard.go (what comes of it).
//
// # What others use
//
// Checking and rendering, for the API and for workflows:
//
//	Check(m, known) (faults, warnings []tidings.FieldError)
//	Compile(m, settings) (*Compiled, error)                       error: *Problem
//	(*Compiled).Render(ctx, scope) (tidings.Mail, error)          error: *Problem, *Refusal
//	(*Compiled).RenderTest(ctx, scope, to) (tidings.Mail, error)  error: *Problem
//	(*Compiled).Preview(ctx, scope) Preview
//
// Links, for the store (Options.ViewLink) and for all below:
//
//	NewLinks(LinkOptions{BaseURL, Keys}) (*Links, error)
//	(*Links).View(mail), .HTML(&mail), .Text(&mail), .Mail(link)
//
// The parts that run, each with Start and Stop:
//
//	NewSender(SenderOptions{Store, Links, VERP, Server, DKIM, …}) (*Sender, error); Wake is for the store's MailsDue
//	NewBroadcaster(BroadcasterOptions{Store, …}) *Broadcaster; Wake when one was made or resumed
//	NewInbound(InboundOptions{VERP, Link: links.Mail, Take: Heard(store, nil, nil), …}) (*Inbound, error)
//	NewPages(PagesOptions{Store, Links}) *Pages                    an http.Handler for /o/ /c/ /v/ /u/ /p/
//	ParseServer("smtp://user:password@host:587") (*Server, error)  for --smtp
//	ParseDKIM(pem, selector, domain) (*DKIM, error)                for --dkim-…
package message
