package ui

import (
	_ "embed"
	"net/http"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

const datesPath = "/settings/dates"

func (s *Server) registerDates() {
	s.look(datesPath, (*visit).datesPage)
	s.look(datesPath+"/zones", (*visit).pickZone)
	s.own(http.MethodPost, datesPath, (*visit).changeDates)
}

// zoneNames lists the time zones that are offered, a name a line: those of
// zone.tab of the IANA's database (public domain), and UTC. Any other name that
// the database has is taken too.
//
//go:embed zones.txt
var zoneNames string

// mostZones is how many zones are offered at once.
const mostZones = 20

// ownAccount is the account as the API gives it.
type ownAccount struct {
	Name     string `json:"name"`
	Zone     string `json:"zone"`
	Language string `json:"language"`
	Version  int64  `json:"version"`
}

// dates is what the page of the account's name, zone and dates shows.
type dates struct {
	Account   ownAccount // as it is, or as it was typed
	Stored    int64      // version that is stored
	ZoneText  string     // in the box
	Zones     []part.Option
	Languages []part.Option
	Edits     bool
	Role      tidings.UserRole
	Clock     part.Clock
	Refused   *refusal
}

func (d *dates) wrong(field string) string {
	if d.Refused == nil {
		return ""
	}
	return d.Refused.Errors.of(field)
}

// zoneOptions gives the zones in whose name a text is, those that begin with it
// first; the note is what the clock says there.
func zoneOptions(text string, clock part.Clock, most int) []part.Option {
	want := foldZone(text)
	var first, then []part.Option
	for name := range strings.Lines(zoneNames) {
		name = strings.TrimSpace(name)
		folded := foldZone(name)
		if !strings.Contains(folded, want) {
			continue
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			continue // a database of the system that is older than the list
		}
		option := part.Option{Value: name, Label: strings.ReplaceAll(name, "_", " "), Note: "now " + clock.Now.In(zone).Format("15:04, UTC-07:00")}
		if _, place, _ := strings.Cut(folded, "/"); strings.HasPrefix(folded, want) || strings.HasPrefix(place, want) {
			first = append(first, option)
		} else {
			then = append(then, option)
		}
	}
	all := append(first, then...)
	return all[:min(len(all), most)]
}

// foldZone makes names comparable as people type them.
func foldZone(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", " ")
}

// zoneCalled gives the zone that is meant by what was typed and not picked:
// the only one that has it in its name, or the one that is called so. "" = none.
func zoneCalled(text string, clock part.Clock) string {
	options := zoneOptions(text, clock, mostZones)
	if len(options) == 1 {
		return options[0].Value
	}
	for _, o := range options {
		if foldZone(o.Value) == foldZone(text) {
			return o.Value
		}
	}
	return ""
}

func (v *visit) pickZone() error {
	return v.part(part.Choices(zoneOptions(v.query("q"), v.clock, mostZones), "No time zone is called that. Try the largest city nearby."))
}

// languageName says what a language of dates is called.
func languageName(tag string) string {
	return map[string]string{
		"en-GB": "English, United Kingdom", "en-US": "English, United States", "de": "German", "es": "Spanish",
		"fr": "French", "it": "Italian", "pl": "Polish", "uk": "Ukrainian",
	}[tag]
}

func (v *visit) datesPage() error {
	d := &dates{}
	if err := v.get("/v1/accounts/me", nil, &d.Account); err != nil {
		return err
	}
	d.Stored, d.ZoneText = d.Account.Version, strings.ReplaceAll(d.Account.Zone, "_", " ")
	return v.showDates(d)
}

func (v *visit) showDates(d *dates) error {
	d.Edits, d.Role, d.Clock = v.owns(), v.user.Role, v.clock
	if d.Account.Language == "" {
		d.Account.Language = tidings.Languages()[0]
	}
	for _, tag := range tidings.Languages() {
		example := part.Clock{Zone: v.clock.Zone, Language: tag, Now: v.clock.Now}
		d.Languages = append(d.Languages, part.Option{Value: tag, Label: languageName(tag), Note: example.DateTime(v.clock.Now) + " · " + example.Number(1204331)})
	}
	d.Zones = append([]part.Option{{Label: "UTC"}}, zoneOptions("", v.clock, 1000)...)
	return v.page(view{Title: "Dates and zone", Purpose: "How this account is called, and how its pages write times. It holds for all its users."}, datesPage(d))
}

func (v *visit) changeDates() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d := &dates{Account: ownAccount{Name: f.text("name"), Zone: f.text("zone"), Language: f.text("language")}, ZoneText: f.text("q")}
	if err := v.get("/v1/accounts/me", nil, &struct {
		Version *int64 `json:"version"`
	}{&d.Stored}); err != nil {
		return err
	}
	d.Account.Version = d.Stored
	if version := f.number("version"); version != nil {
		d.Account.Version = *version
	}
	switch {
	case f.text("own") != "":
		d.Account.Zone = f.text("own")
	case d.Account.Zone == "" && d.ZoneText != "":
		if d.Account.Zone = zoneCalled(d.ZoneText, v.clock); d.Account.Zone == "" {
			d.Refused = &refusal{Detail: "The zone is not known: nothing was changed."}
			d.Refused.Errors.add("zone", "choose one of the list: the largest city of your zone, as Europe/Oslo")
			v.wrongForm()
			return v.showDates(d)
		}
	}
	err = v.patch("/v1/accounts/me", map[string]any{
		"name": d.Account.Name, "zone": orNull(d.Account.Zone), "language": orNull(d.Account.Language), "version": d.Account.Version,
	}, nil)
	if r, ok := wrong(err); ok {
		d.Refused = r
		v.wrongForm()
		return v.showDates(d)
	}
	if err != nil {
		return err
	}
	return v.done(datesPath, "Saved. Times are those of "+zoneWords(d.Account.Zone)+".")
}

func zoneWords(zone string) string {
	if zone == "" {
		return "UTC"
	}
	return strings.ReplaceAll(zone, "_", " ")
}
