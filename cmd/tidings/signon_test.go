package main

import (
	"strings"
	"testing"
)

func TestFlagsOfSingleSignOnGoTogether(t *testing.T) {
	for _, c := range []struct {
		flags signOnFlags
		want  string
	}{
		{signOnFlags{}, ""},
		{signOnFlags{Issuer: "https://login.example.com", ClientID: "tidings"}, ""},
		{signOnFlags{Name: "Company login"}, "need --oidc-issuer"},
		{signOnFlags{ClientSecret: "hush"}, "need --oidc-issuer"},
		{signOnFlags{Issuer: "https://login.example.com"}, "the client's id is needed"},
		{signOnFlags{Issuer: "http://login.example.com", ClientID: "tidings"}, "must be an https URL"},
	} {
		err := c.flags.validate()
		if got := errorText(err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.flags, got, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
