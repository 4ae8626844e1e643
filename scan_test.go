package tidings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testID = "01234567-89ab-cdef-0123-456789abcdef"

func testIntake() Intake {
	return Intake{Now: arrival(), NewID: func() string { return testID }}
}

// decode reads JSON with its numbers as they are written.
func decode(tb testing.TB, b []byte) (v any) {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		tb.Fatalf("%s: %v", b, err)
	}
	return v
}

// joined makes the array that a batch sends.
func joined(all []Activity) []byte {
	b := []byte{'['}
	for i, a := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, a.Wire...)
	}
	return append(b, ']')
}

func parse(tb testing.TB, body string, in Intake) []Activity {
	tb.Helper()
	all, err := ParseActivities([]byte(body), in)
	if err != nil {
		tb.Fatalf("%.300s: %v", body, err)
	}
	return all
}

func TestSeedGoesInAndComesOutTheSame(t *testing.T) {
	seed := seedBody(t)
	all := parse(t, string(seed), testIntake())
	if diff := cmp.Diff(decode(t, seed), decode(t, joined(all))); diff != "" {
		t.Error(diff)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, seed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(compact.String(), string(joined(all))); diff != "" {
		t.Error("not the compact bytes: ", diff)
	}
	first := Activity{
		Wire: all[0].Wire,
		At:   1569509118,
		Kind: KindOf(SubscriptionChanged, Email),
		Keys: [5]uint64{KeyContact: SearchKey(KeyContact, "687266822")},
	}
	if diff := cmp.Diff(first, all[0]); diff != "" {
		t.Error(diff)
	}
	sms := Activity{
		Wire: all[2].Wire,
		At:   1569901429,
		Kind: KindOf(Undelivered, SMS),
		Keys: [5]uint64{KeyContact: SearchKey(KeyContact, "357885291"), KeyPhone: SearchKey(KeyPhone, "380671234567")},
	}
	if diff := cmp.Diff(sms, all[2]); diff != "" {
		t.Error(diff)
	}
	read := [5]uint64{
		KeyContact: SearchKey(KeyContact, "1258810400"),
		KeyEmail:   SearchKey(KeyEmail, "TEST@gmail.com"),
		KeyMessage: SearchKey(KeyMessage, "1235215"),
	}
	if diff := cmp.Diff(read, all[4].Keys); diff != "" {
		t.Error(diff)
	}
}

// whole adds the required fields to some others.
func whole(fields string) string {
	return `{"contactId":1,"activityStatus":"READ","mediaType":"email","iid":"` + testID + `","activityDateTime":"2020-02-29T00:00:00"` + fields + `}`
}

func TestWireIsWhatCameWithoutWhiteSpace(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{whole(``), whole(``)},
		{whole(`,"messageTag":" a , b "`), whole(`,"messageTag":" a , b "`)},
		{whole(` , "messageTag" : "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00" `), whole(`,"messageTag":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`)},
		{whole("\t,\r\n\"from\"\t:\"Іван 😀\""), whole(`,"from":"Іван 😀"`)},
		{whole(`, "broadcastId": -9223372036854775808 , "workflowId" : 9223372036854775807`), whole(`,"broadcastId":-9223372036854775808,"workflowId":9223372036854775807`)},
		{whole(`,"statusData": { }`), whole(`,"statusData":{}`)},
		{whole(`,"statusData": {"subscription" :{ "subscriptions": [ ] }}`), whole(`,"statusData":{"subscription":{"subscriptions":[]}}`)},
		{whole(`,"statusData":{"subscription":{"subscriptions":["A", "B" ]}}`), whole(`,"statusData":{"subscription":{"subscriptions":["A","B"]}}`)},
		{whole(`,"em\u0061il":"a\u0040b"`), whole(`,"em\u0061il":"a\u0040b"`)},
		{whole(`,"externalCustomerId":"","messageName":"","osName":"\u0000"`), whole(`,"externalCustomerId":"","messageName":"","osName":"\u0000"`)},
		{
			` { "activityDateTime" : "2020-01-01T01:00:00.5+03:00" , "contactId": 1, "activityStatus":"SENT","mediaType" :"mobilepush", "iid":"` + testID + `" }`,
			`{"activityDateTime":"2019-12-31T22:00:00","contactId":1,"activityStatus":"SENT","mediaType":"mobilepush","iid":"` + testID + `"}`,
		},
		{
			`{"activityDateTime":"2020-01-01T01:00:0\u0030","contactId":1,"activityStatus":"READ","mediaType":"sms","iid":"` + testID + `"}`,
			`{"activityDateTime":"2020-01-01T01:00:00","contactId":1,"activityStatus":"READ","mediaType":"sms","iid":"` + testID + `"}`,
		},
		{
			`{"contactId":1, "activityStatus":"READ" ,"mediaType":"sms"}`,
			`{"contactId":1,"activityStatus":"READ","mediaType":"sms","activityDateTime":"2026-02-03T04:05:06","iid":"` + testID + `"}`,
		},
		{
			`{"contactId":1,"activityStatus":"READ","mediaType":"sms","activityDateTime":"2020-02-29T00:00:00Z"}`,
			`{"contactId":1,"activityStatus":"READ","mediaType":"sms","activityDateTime":"2020-02-29T00:00:00","iid":"` + testID + `"}`,
		},
		{
			`{"contactId":1,"activityStatus":"CLICKED","mediaType":"sms","clickEventLink":"","iid":"` + strings.ToUpper(testID) + `"}`,
			`{"contactId":1,"activityStatus":"CLICKED","mediaType":"sms","clickEventLink":"","iid":"` + strings.ToUpper(testID) + `","activityDateTime":"2026-02-03T04:05:06"}`,
		},
	} {
		// Neighbours show that nothing spills over.
		for _, body := range []string{"[" + c.in + "]", "\n[ " + c.in + " , " + c.in + "," + whole("") + " ]\n"} {
			all := parse(t, body, testIntake())
			if string(all[0].Wire) != c.want || len(all) == 3 && (string(all[1].Wire) != c.want || string(all[2].Wire) != whole("")) {
				t.Errorf("in   %s\ngot  %s\nwant %s", body, joined(all), c.want)
			}
		}
		line := strings.NewReplacer("\n", "", "\r", "").Replace(c.in)
		in := testIntake()
		in.NDJSON = true
		for i, a := range parse(t, "\n"+line+"\r\n \t\n"+line, in) {
			if string(a.Wire) != c.want {
				t.Errorf("in   line %d %s\ngot  %s\nwant %s", i, line, a.Wire, c.want)
			}
		}
	}
}

func TestEveryStatusAndMediaTypeComesIn(t *testing.T) {
	for i, status := range Statuses() {
		for j, media := range MediaTypes() {
			if status == "SENT" && media != "mobilepush" {
				continue
			}
			body := fmt.Sprintf(`[{"contactId":1,"activityStatus":%q,"mediaType":%q}]`, status, media)
			if a := parse(t, body, testIntake())[0]; a.Kind != KindOf(Status(i+1), MediaType(j+1)) {
				t.Errorf("%s: kind %v %v", body, a.Kind.Status(), a.Kind.MediaType())
			}
		}
	}
}

func TestEveryFieldIsKnownByItsName(t *testing.T) {
	for i, name := range fieldNames() {
		if f := fieldOf([]byte(name)); f != field(i) {
			t.Errorf("%q is field %d, want %d", name, f, i)
		}
	}
}

func TestWireBytesNeverOverlap(t *testing.T) {
	body := "[" + strings.Repeat(`{"contactId":1, "activityStatus":"READ","mediaType":"sms"}, `, 999) + whole("") + "]"
	all := parse(t, body, testIntake())
	for _, a := range all {
		if cap(a.Wire) != len(a.Wire) {
			t.Fatal("an append to wire bytes would write into the next")
		}
		if a.At == arrival().Unix() && !bytes.HasSuffix(a.Wire, []byte(`06","iid":"`+testID+`"}`)) {
			t.Fatalf("%s", a.Wire)
		}
	}
	if string(all[999].Wire) != whole("") {
		t.Errorf("%s", all[999].Wire)
	}
}

func TestMissingIDsAreRandomAndDifferent(t *testing.T) {
	body := "[" + strings.Repeat(`{"contactId":1,"activityStatus":"READ","mediaType":"sms"},`, 99) + whole("") + "]"
	seen := map[string]bool{}
	for _, a := range parse(t, body, Intake{Now: arrival()}) {
		id := decode(t, a.Wire).(map[string]any)["iid"].(string)
		if seen[id] || !isUUID([]byte(id)) || id != testID && (id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19]))) {
			t.Errorf("iid %s", id)
		}
		seen[id] = true
	}
}

func TestALargestActivityComesInAndALargerOneDoesNot(t *testing.T) {
	fill := func(n int) string {
		return whole(`,"from":"` + strings.Repeat("x", n-len(whole(`,"from":""`))) + `"`)
	}
	// White space does not count, what is added does.
	all := parse(t, "["+strings.Repeat(" ", MaxActivityBytes)+fill(MaxActivityBytes)+"]", testIntake())
	if len(all[0].Wire) != MaxActivityBytes {
		t.Error(len(all[0].Wire))
	}
	wantFields(t, "["+whole("")+","+fill(MaxActivityBytes+1)+"]", testIntake(),
		FieldError{1, "", "is 65537 bytes of compact JSON: at most 65536"})
	grown := strings.Replace(fill(MaxActivityBytes+10), `,"iid":"`+testID+`"`, "", 1)
	wantFields(t, "["+grown+"]", testIntake(),
		FieldError{0, "", "is 65546 bytes of compact JSON: at most 65536"})
}

func TestARequestHoldsUpToTheLimits(t *testing.T) {
	const one = `{"contactId":1,"activityStatus":"READ","mediaType":"sms"}`
	most := strings.Repeat(one+"\n", MaxActivities)
	in := testIntake()
	in.NDJSON = true
	if n := len(parse(t, most, in)); n != MaxActivities {
		t.Error(n)
	}
	array := "[" + strings.ReplaceAll(most, "\n", ",") + one + "]"
	for _, c := range []struct {
		body   string
		ndjson bool
	}{
		{most + one, true},
		{array, false},
		{strings.Repeat(" ", MaxRequestBytes) + "[", false},
		{strings.Repeat("1\n", MaxActivities+1), true},
		{"[" + strings.Repeat("1,", MaxActivities) + "1]", false},
	} {
		in.NDJSON = c.ndjson
		if _, err := ParseActivities([]byte(c.body), in); CodeOf(err) != CodeTooLarge {
			t.Errorf("%.60s: %v", c.body, err)
		}
	}
}

func TestAnIntakeThatWouldSpoilTheFeedIsAnInternalError(t *testing.T) {
	const body = `[{"contactId":1,"activityStatus":"READ","mediaType":"sms"}]`
	for _, in := range []Intake{{}, {Now: arrival(), NewID: func() string { return `","email":"x@y` }}} {
		if all, err := ParseActivities([]byte(body), in); CodeOf(err) != CodeInternal || all != nil {
			t.Errorf("%v %v", all, err)
		}
	}
}

func TestAllocationsDoNotGrowWithTheActivities(t *testing.T) {
	body := compactBody(100)
	in := testIntake()
	n := testing.AllocsPerRun(10, func() {
		if _, err := ParseActivities(body, in); err != nil {
			t.Fatal(err)
		}
	})
	if n > 4 {
		t.Errorf("%v allocations for 100 activities", n)
	}
}

// invalid gives the *Error with which a body is refused.
func invalid(tb testing.TB, body string, in Intake) *Error {
	tb.Helper()
	all, err := ParseActivities([]byte(body), in)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != CodeInvalid || all != nil {
		tb.Fatalf("%.300s: got %d activities and error %v", body, len(all), err)
	}
	return e
}

func wantFields(tb testing.TB, body string, in Intake, want ...FieldError) {
	tb.Helper()
	if diff := cmp.Diff(want, invalid(tb, body, in).Fields); diff != "" {
		tb.Errorf("%.300s: %s", body, diff)
	}
}
