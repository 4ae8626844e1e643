package tidings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawValue gives a right value of a field in JSON, in one of its spellings.
func drawValue(t *rapid.T, f field, status Status) string {
	pick := func(list ...string) string { return rapid.SampledFrom(list).Draw(t, f.String()) }
	switch f {
	case fieldBroadcastID, fieldContactID, fieldMessageID, fieldMessageInstanceID, fieldSourceEventID, fieldWorkflowID:
		return fmt.Sprint(rapid.Int64().Draw(t, f.String()))
	case fieldHardBounce:
		return pick("true", "false")
	case fieldActivityStatus:
		return `"` + status.String() + `"`
	case fieldMediaType:
		if status == Sent {
			return `"mobilepush"`
		}
		return spell(t, pick(MediaTypes()...))
	case fieldIID:
		return spell(t, rapid.StringMatching(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`).Draw(t, "iid"))
	case fieldSMS, fieldViber:
		return spell(t, rapid.StringMatching(`[0-9]{1,15}`).Draw(t, "phone"))
	case fieldEmail:
		return spell(t, rapid.StringMatching(`[a-zA-Z.é]{1,9}@[a-zа-яA-Z.]{0,9}`).Draw(t, "email"))
	case fieldActivityDateTime:
		return spell(t, FormatDateTime(arrival().Add(-1000*24*3600*1e9)))
	case fieldStatusData:
		return pick("{}", `{"subscription" : {"subscriptions":[ ]}}`, "{ \"subscription\":{\n\"subscriptions\":[\"A\" , \"\\u0042\"]}\t}")
	}
	return spell(t, rapid.String().Draw(t, f.String()))
}

// spell writes a string in JSON, with some escapes that need not be.
func spell(t *rapid.T, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		quoted, _ := json.Marshal(string(r))
		switch {
		case r < utf8.RuneSelf && r != '/' && rapid.IntRange(0, 9).Draw(t, "escape") == 0:
			fmt.Fprintf(&b, "\\u%04X", r)
		case r == '/':
			b.WriteString(rapid.SampledFrom([]string{`/`, `\/`}).Draw(t, "slash"))
		default:
			b.Write(quoted[1 : len(quoted)-1])
		}
	}
	b.WriteByte('"')
	return b.String()
}

// drawActivity gives a right activity with white space between its tokens, and
// whether it says its time and its id itself.
func drawActivity(t *rapid.T, blanks []string) (text string, complete bool) {
	status := Status(rapid.IntRange(int(Delivered), int(Sent)).Draw(t, "status"))
	fields := []field{fieldActivityStatus, fieldContactID, fieldMediaType}
	complete = rapid.Bool().Draw(t, "complete")
	for f := fieldNone + 1; f < fieldCount; f++ {
		switch {
		case requiredFields&f.bit() != 0,
			f == fieldClickEventLink && status != Clicked,
			undeliveredFields&f.bit() != 0 && status != Undelivered:
		case (f == fieldActivityDateTime || f == fieldIID) && complete || rapid.IntRange(0, 3).Draw(t, "with") == 0:
			fields = append(fields, f)
		}
	}
	blank := func() string { return rapid.SampledFrom(blanks).Draw(t, "blank") }
	var b strings.Builder
	b.WriteString("{" + blank())
	for i, f := range rapid.Permutation(fields).Draw(t, "order") {
		if i > 0 {
			b.WriteString("," + blank())
		}
		value := drawValue(t, f, status)
		if blanks[len(blanks)-1] != "\n" {
			value = strings.ReplaceAll(value, "\n", " ")
		}
		b.WriteString(spell(t, f.String()) + blank() + ":" + blank() + value + blank())
	}
	return b.String() + "}", complete
}

func TestAnyRightActivityComesOutEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := testIntake()
		in.NDJSON = rapid.Bool().Draw(t, "NDJSON")
		blanks := []string{"", "", "", " ", "\t", "  \r", "\n"}
		separator, open, shut := ",\n", "[", " ]"
		if in.NDJSON {
			blanks = blanks[:len(blanks)-1]
			separator, open, shut = "\n\n", "", "\r\n"
		}
		var texts []string
		var completes []bool
		for range rapid.IntRange(1, 4).Draw(t, "activities") {
			text, complete := drawActivity(t, blanks)
			texts, completes = append(texts, text), append(completes, complete)
		}
		all, err := ParseActivities([]byte(open+strings.Join(texts, separator)+shut), in)
		if err != nil {
			t.Fatalf("%s: %v", texts, err)
		}
		for i, a := range all {
			checkKept(t, a)
			want, got := map[string]any{}, map[string]any{}
			if json.Unmarshal([]byte(texts[i]), &want) != nil || json.Unmarshal(a.Wire, &got) != nil {
				t.Fatalf("not JSON: %s", a.Wire)
			}
			if !completes[i] {
				for name, value := range map[string]string{"iid": testID, "activityDateTime": "2026-02-03T04:05:06"} {
					if want[name] == nil {
						want[name] = value
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s became %s: %s", texts[i], a.Wire, diff)
			}
		}
	})
}

// checkKept holds what every activity that came in promises its stores.
func checkKept(t interface {
	Helper()
	Fatalf(string, ...any)
}, a Activity,
) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, a.Wire); err != nil || !bytes.Equal(compact.Bytes(), a.Wire) {
		t.Fatalf("not compact JSON: %q: %v", a.Wire, err)
	}
	if !utf8.Valid(a.Wire) || len(a.Wire) > MaxActivityBytes {
		t.Fatalf("not UTF-8, or too long: %q", a.Wire)
	}
	facts, err := ReadFacts(a.Wire)
	if err != nil || facts.At != a.At || facts.Kind != a.Kind {
		t.Fatalf("%s: %v: facts %+v differ from %+v", a.Wire, err, facts, a)
	}
	var fields map[string]any
	if err := json.Unmarshal(a.Wire, &fields); err != nil {
		t.Fatalf("%s: %v", a.Wire, err)
	}
	want := [5]uint64{KeyContact: SearchKey(KeyContact, fmt.Sprint(facts.ContactID))}
	if email, ok := fields["email"].(string); ok {
		want[KeyEmail] = SearchKey(KeyEmail, strings.ToLower(email))
	}
	for name, place := range map[string]int{"sms": int(KeyPhone), "viber": placeOfViber} {
		if phone, ok := fields[name].(string); ok {
			want[place] = SearchKey(KeyPhone, phone)
		}
	}
	if fields["messageId"] != nil {
		want[KeyMessage] = SearchKey(KeyMessage, fmt.Sprint(facts.MessageID))
	}
	if want != a.Keys {
		t.Fatalf("%s: keys %x, want %x", a.Wire, a.Keys, want)
	}
}
