package source

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shown is how a golden file shows a result.
type shown struct {
	Activities []shownActivity `json:"activities,omitempty"`
	Ignored    []Ignored       `json:"ignored,omitempty"`
}

type shownActivity struct {
	ID      string          `json:"id"`
	Event   string          `json:"event"`
	Machine bool            `json:"machine,omitempty"`
	Notes   []string        `json:"notes,omitempty"`
	Wire    json.RawMessage `json:"wire"`
}

func fixtures(t testing.TB, kind Kind) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/" + string(kind) + "/*")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".golden") })
	if len(files) < 2 {
		t.Fatalf("%s has %d fixtures", kind, len(files))
	}
	return files
}

func parseFixture(t testing.TB, kind Kind, file string) Result {
	t.Helper()
	event, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	result, err := Parse(t.Context(), kind, testSecrets(t), signed(t, kind, event, strings.HasSuffix(file, ".form")))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return result
}

func TestEventsBecomeActivities(t *testing.T) {
	for _, kind := range Kinds() {
		for _, file := range fixtures(t, kind) {
			t.Run(strings.TrimPrefix(file, "testdata/"), func(t *testing.T) {
				result := parseFixture(t, kind, file)
				s := shown{Ignored: result.Ignored}
				for _, a := range result.Activities {
					s.Activities = append(s.Activities, shownActivity{a.ID, a.Event, a.Machine, a.Notes, a.Wire()})
					checkActivity(t, a)
				}
				var got bytes.Buffer
				e := json.NewEncoder(&got)
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				if err := e.Encode(s); err != nil {
					t.Fatal(err)
				}
				golden := file + ".golden"
				if *update {
					if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got.String()); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

// checkActivity holds an activity against the ingest.
func checkActivity(t *testing.T, a Activity) {
	t.Helper()
	if a.ContactID == 0 {
		a.ContactID = 1<<63 - 1
	}
	body := slices.Concat([]byte("["), a.Wire(), []byte("]"))
	all, err := tidings.ParseActivities(bytes.Clone(body), tidings.Intake{Now: testNow})
	if err != nil || len(all) != 1 {
		t.Fatalf("the ingest refuses %s: %v", body, err)
	}
	if !bytes.Equal(all[0].Wire, body[1:len(body)-1]) {
		t.Errorf("the ingest changes %s", body)
	}
	if a.ID == "" || len(a.ID) > maxID || a.Email == "" && a.SMS == "" {
		t.Errorf("%+v", a)
	}
}

// TestTheTableOfTheDocumentationIsWhatHappens looks every event of the fixtures
// up in docs/sources.md: its row must name the status, or say that it is ignored.
func TestTheTableOfTheDocumentationIsWhatHappens(t *testing.T) {
	text, err := os.ReadFile("../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range Kinds() {
		_, section, ok := strings.Cut(string(text), "\n## "+map[Kind]string{SendGrid: "SendGrid", SES: "Amazon SES", Mailgun: "Mailgun", Postmark: "Postmark", Twilio: "Twilio"}[kind]+"\n")
		if !ok {
			t.Errorf("%s has no section", kind)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		for _, file := range fixtures(t, kind) {
			result := parseFixture(t, kind, file)
			for _, a := range result.Activities {
				checkRow(t, section, kind, a.Event, a.Status.String())
			}
			for _, i := range result.Ignored {
				if i.Event != "" && i.Reason != "an event that is not known" && !strings.HasPrefix(i.Reason, "it ") && !strings.HasPrefix(i.Reason, "of a channel") {
					checkRow(t, section, kind, i.Event, "ignored")
				}
			}
		}
	}
	for _, name := range Arguments() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the argument %s is not in the documentation", name)
		}
	}
}

func checkRow(t *testing.T, section string, kind Kind, event, outcome string) {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| .*`" + regexp.QuoteMeta(event) + "`.*\\b" + outcome + `\b.*$`)
	if !row.MatchString(section) {
		t.Errorf("docs/sources.md does not say that `%s` of %s is %s", event, kind, outcome)
	}
}

func TestARepeatedEventHasTheSameID(t *testing.T) {
	seen := map[string]string{}
	for _, kind := range Kinds() {
		for _, file := range fixtures(t, kind) {
			first, second := parseFixture(t, kind, file), parseFixture(t, kind, file)
			for i, a := range first.Activities {
				if b := second.Activities[i]; a.ID != b.ID || a.IID != b.IID {
					t.Errorf("%s: %s and %s", file, a.ID, b.ID)
				}
			}
			ids := map[string]bool{}
			for _, a := range first.Activities {
				if ids[a.ID] {
					t.Errorf("%s: %s stands for two events", file, a.ID)
				}
				ids[a.ID] = true
				seen[a.IID] = file
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d messages only", len(seen))
	}
}

func TestAllEventsOfAMessageShareItsIID(t *testing.T) {
	result := parseFixture(t, SendGrid, "testdata/sendgrid/events.json")
	iids := map[string]int{}
	for _, a := range result.Activities {
		iids[a.IID]++
	}
	most := 0
	for _, n := range iids {
		most = max(most, n)
	}
	if most < 10 {
		t.Errorf("%v", iids)
	}
}

func TestASourceWithoutItsSecretsTakesNothing(t *testing.T) {
	for _, kind := range append(Kinds(), "other") {
		if err := Check(kind, Secrets{}); tidings.CodeOf(err) != tidings.CodeInvalid {
			t.Errorf("%s: %v", kind, err)
		}
		r := signed(t, kind, []byte("{}"), false)
		if _, err := Parse(t.Context(), kind, Secrets{}, r); tidings.CodeOf(err) != tidings.CodeInvalid {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for _, kind := range Kinds() {
		if err := Check(kind, testSecrets(t)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := Check(SendGrid, Secrets{PublicKey: "bm90IGEga2V5"}); tidings.CodeOf(err) != tidings.CodeInvalid {
		t.Errorf("a key that is none: %v", err)
	}
}

func TestBodiesThatAreNoEventsAreNamed(t *testing.T) {
	for _, kind := range Kinds() {
		for _, body := range []string{"", "null", "17", `"x"`, "{", strings.Repeat("[", 20000)} {
			r := signed(t, Postmark, []byte(body), false)
			switch kind {
			case SendGrid:
				signSendgrid(t, &r, testNow)
			case Twilio:
				signTwilio(t, &r, false)
			}
			result, err := Parse(t.Context(), kind, testSecrets(t), r)
			if tidings.CodeOf(err) != tidings.CodeInvalid {
				t.Errorf("%s takes %.20q: %+v, %v", kind, body, result, err)
			}
		}
		r := signed(t, Postmark, make([]byte, MaxBody+1), false)
		if _, err := Parse(t.Context(), kind, testSecrets(t), r); tidings.CodeOf(err) != tidings.CodeTooLarge {
			t.Errorf("%s takes %d bytes: %v", kind, MaxBody+1, err)
		}
	}
}

// FuzzEvents gives each sender's reader any event at all, past the signatures:
// what comes out, the ingest takes.
func FuzzEvents(f *testing.F) {
	for i, kind := range Kinds() {
		for _, file := range fixtures(f, kind) {
			event, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), event)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, event []byte) {
		var b batch
		r := Request{Now: testNow, Body: event}
		e, ok := parseObject(event)
		switch Kinds()[int(kind)%len(Kinds())] {
		case SendGrid:
			b.sendgridEvent(e, r)
		case SES:
			b.sesEvent(e, "message", r)
		case Mailgun:
			b.mailgunEvent(e, r)
		case Postmark:
			b.postmarkEvent(e, r)
		case Twilio:
			b.twilioForm(formOf(event), e.str, r)
			if ok {
				b.twilioJSON(e.str, r)
			}
		}
		for _, a := range b.Activities {
			checkActivity(t, a)
		}
	})
}
