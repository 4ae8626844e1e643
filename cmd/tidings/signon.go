package main

import (
	"crypto/x509"
	"errors"

	"tidings/ui"
)

// signOnFlags are those of single sign-on.
type signOnFlags struct {
	Issuer       string `name:"oidc-issuer" placeholder:"URL" group:"People" help:"Identity provider (OpenID Connect) by which users may sign in besides their password, e.g. https://login.example.com. None by default."`
	ClientID     string `name:"oidc-client-id" placeholder:"ID" group:"People" help:"By which the identity provider knows this server; with --oidc-issuer."`
	ClientSecret string `name:"oidc-client-secret" placeholder:"SECRET" group:"People" help:"What proves it there; none for a public client. Better given in the environment."`
	Name         string `name:"oidc-name" placeholder:"NAME" group:"People" help:"What the button of the sign-in page calls it, e.g. 'Company login'. Default: the issuer's host."`
}

// config gives single sign-on to the pages.
func (f *signOnFlags) config(authorities *x509.CertPool) ui.SingleSignOn {
	return ui.SingleSignOn{Issuer: f.Issuer, ClientID: f.ClientID, ClientSecret: f.ClientSecret, Name: f.Name, RootCAs: authorities}
}

// validate refuses what the flags' types can't.
func (f *signOnFlags) validate() error {
	if f.Issuer == "" {
		if f.ClientID != "" || f.ClientSecret != "" || f.Name != "" {
			return errors.New("--oidc-client-id, --oidc-client-secret and --oidc-name need --oidc-issuer")
		}
		return nil
	}
	asked := f.config(nil)
	if fault := asked.Check(); fault != "" {
		return errors.New("--oidc-issuer and --oidc-client-id: " + fault)
	}
	return nil
}
