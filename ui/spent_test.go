package ui_test

import (
	"regexp"
	"testing"

	"tidings"
)

func TestAPageSaysWhatItTook(t *testing.T) {
	w := newWorld(t)
	took := regexp.MustCompile(`^page;dur=\d+\.\d{3}, api;dur=\d+\.\d{3};desc="[1-9]\d* calls"$`)
	if header := w.as(tidings.RoleViewer).get("/").want(200).header.Get("Server-Timing"); !took.MatchString(header) {
		t.Errorf("the dashboard's Server-Timing is %q", header)
	}
	if header := w.browser().get("/sign-in").want(200).header.Get("Server-Timing"); header != "" {
		t.Errorf("somebody who has not signed in is told %q", header)
	}
}
