package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestRunEndsWithTheRightCode(t *testing.T) {
	cases := []struct {
		args string
		code int
		out  string // somewhere in what is printed
		err  string
	}{
		{"", exitOK, "Usage: tidings <command>", ""},
		{"--help", exitOK, "serve", ""},
		{"serve --help", exitOK, "Default: 1m.", ""},
		{"version", exitOK, "tidings " + version, ""},
		{"nonsense", exitUsage, "", "Try: tidings --help"},
		{"account crate x", exitUsage, "", "Try: tidings account --help"},
		{"serve", exitUsage, "", "Try: tidings serve --help"},
		{"backup --data /does/not/exist x", exitFailed, "", "is no data directory"},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			var out, errs strings.Builder
			code := run(t.Context(), strings.Fields(c.args), terminal{out: &out, err: &errs})
			if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
				t.Errorf("ended with %d\n%s%s", code, out.String(), errs.String())
			}
		})
	}
}

// TestEveryFlagHasHelpAndAnEnvironmentTwin: what is not explained can't be used.
func TestEveryFlagHasHelpAndAnEnvironmentTwin(t *testing.T) {
	for _, leaf := range model(t).Leaves(true) {
		if leaf.Help == "" {
			t.Errorf("%s has no help", leaf.Path())
		}
		flags := leaf.AllFlags(true)
		for _, group := range flags {
			for _, f := range group {
				checkFlag(t, leaf, f)
			}
		}
	}
}

func checkFlag(t *testing.T, leaf *kong.Node, f *kong.Flag) {
	t.Helper()
	twin := "TIDINGS_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
	switch {
	case f.Name == "help":
	case f.Help == "":
		t.Errorf("%s: --%s has no help", leaf.Path(), f.Name)
	case len(f.Envs) != 1 || f.Envs[0] != twin:
		t.Errorf("%s: --%s is read from %v, want %s", leaf.Path(), f.Name, f.Envs, twin)
	}
}

func TestRefusalsOfTheServerAreShownInItsOwnWords(t *testing.T) {
	cases := []struct {
		status     int
		body, want string
	}{
		{422, `{"detail":"the account was not created","errors":[{"field":"name","reason":"is required"}]}`, "the account was not created; name is required"},
		{401, `{"detail":"no key"}`, "no key"},
		{502, `<html>`, "the server answered 502 Bad Gateway"},
		{http.StatusNotFound, `{}`, "the server answered 404 Not Found"},
	}
	for _, c := range cases {
		if got := problem(c.status, []byte(c.body)).Error(); got != c.want {
			t.Errorf("%d %s is shown as %q, want %q", c.status, c.body, got, c.want)
		}
	}
}
