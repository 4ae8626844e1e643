package ui_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"tidings"
)

func TestOwnersChooseTheZoneAndTheLanguageOfDates(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	p := b.get("/settings/dates").want(200).says("Ukrainian", "1.204.331", "1,204,331").has("input[role=combobox]", "button[name=own][hidden]", "input[name=language][value=en-GB][checked]", "noscript")
	version := p.attr("input[name=version]", "value")
	b.post("/settings/dates", "version", version, "name", "Acme & Co", "zone", "Europe/Oslo", "q", "Europe/Oslo", "language", "de").want(200).
		says("Saved. Times are those of Europe/Oslo.", "Acme & Co").has("input[name=language][value=de][checked]", "input[name=zone][value=Europe/Oslo]")
	b.post("/settings/dates", "version", version, "name", "Old", "zone", "", "q", "", "language", "de").want(http.StatusUnprocessableEntity).
		has("input[name=name][value=Old]").says("Load what is stored now")
	for _, c := range []struct{ zone, typed, own, want string }{
		{"", "kyiv", "", "Europe/Kyiv"},
		{"", "new york", "", "America/New_York"},
		{"Europe/Oslo", "Europe/Oslo", "Asia/Tokyo", "Asia/Tokyo"},
		{"", "", "", ""},
	} {
		version = b.get("/settings/dates").attr("input[name=version]", "value")
		b.post("/settings/dates", "version", version, "name", "Acme", "zone", c.zone, "q", c.typed, "own", c.own, "language", "en-GB").want(200)
		if a, err := w.Store.Account(t.Context(), 1); err != nil || a.Zone != c.want {
			t.Errorf("%+v gives the zone %q, %v", c, a.Zone, err)
		}
	}
}

func TestAZoneThatIsNoneSaysSo(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	for _, typed := range []string{"Atlantis", "europe"} {
		b.post("/settings/dates", "name", "Acme", "zone", "", "q", typed, "language", "en-GB").want(http.StatusUnprocessableEntity).
			says("choose one of the list").has("#f-zone-error", "input[role=combobox][value="+typed+"]")
	}
	b.post("/settings/dates", "name", "", "zone", "Nowhere/Land", "q", "x", "language", "xx").want(http.StatusUnprocessableEntity).
		has("#f-zone-error", "#f-name-error")
}

func TestOthersReadTheZoneAndSeeWhyNot(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleEditor).get("/settings/dates").want(200).says("Only owners change this, and you are an editor.", "UTC").hasNot("main form")
}

func TestZonesAreFoundByTyping(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleViewer).htmx()
	for q, want := range map[string]string{"kyiv": "Europe/Kyiv", "new york": "America/New_York", "OSLO": "Europe/Oslo", "utc": "UTC"} {
		if got := b.get("/settings/dates/zones?q="+strings.ReplaceAll(q, " ", "+")).want(200).attr("[role=option]", "data-value"); got != want {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
	b.get("/settings/dates/zones?q=atlantis").says("No time zone is called that.")
}

func TestTheZonesThatAreOfferedExist(t *testing.T) {
	text, err := os.ReadFile("zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(text))
	if len(names) < 300 {
		t.Errorf("there are %d only", len(names))
	}
	for _, name := range names {
		if _, err := time.LoadLocation(name); err != nil {
			t.Error(err)
		}
	}
}
