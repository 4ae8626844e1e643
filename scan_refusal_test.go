package tidings

import (
	"fmt"
	"strings"
	"testing"
)

func TestOneWrongFieldIsNamedWithItsReason(t *testing.T) {
	const onlyUUID = "must be a UUID: 32 hex digits as 8-4-4-4-12"
	const onlyDigits = "must be digits only, without + and spaces"
	const noBlanks = "must not have spaces or control characters"
	const noDay = "names a day that the calendar does not have"
	const notYears = "is outside the years 1970 to 9999 (UTC)"
	const statuses = "DELIVERED, UNDELIVERED, READ, UNSUBSCRIBED, CLICKED, SPAM, SUBSCRIPTION_CHANGED, SENT"
	const media = "email, sms, viber, mobilepush, webpush, appinbox, widget, inapp, telegrambot"
	for _, c := range []struct{ fields, field, reason string }{
		// Names
		{`"subscripton":1`, "subscripton", "is not a field of an activity"},
		{`"mediatype":"email"`, "mediatype", `is not a field of an activity: did you mean "mediaType"?`},
		{`"contact_id":1`, "contact_id", `is not a field of an activity: did you mean "contactId"?`},
		{`"workflowid":[[{"a":1}]]`, "workflowid", `is not a field of an activity: did you mean "workflowId"?`},
		{`"":1`, "", "is not a field of an activity"},
		{`"x` + strings.Repeat("é", 40) + `":1`, "x" + strings.Repeat("é", 29) + "…", "is not a field of an activity"},
		{"\"a\xff\":1", "a�", "is not a field of an activity"},
		{`"\ud800":1`, "�", "is not a field of an activity"},
		{`"contactId":2`, "contactId", "stands twice"},
		{`"contact\u0049d":2`, "contactId", "stands twice"},
		{`"osName":"a","osName":{"b":[]}`, "osName", "stands twice"},
		// Types
		{`"broadcastId":null`, "broadcastId", "must be an integer, not null: leave out what has no value"},
		{`"broadcastId":"1"`, "broadcastId", "must be an integer, not a string"},
		{`"messageId":1.0`, "messageId", "must be an integer, without fraction and exponent"},
		{`"messageId":1e3`, "messageId", "must be an integer, without fraction and exponent"},
		{`"messageInstanceId":9223372036854775808`, "messageInstanceId", "must fit in 64 bits: it has 19 digits"},
		{`"sourceEventId":-9223372036854775809`, "sourceEventId", "must fit in 64 bits: it has 19 digits"},
		{`"workflowId":` + strings.Repeat("7", 400), "workflowId", "must fit in 64 bits: it has 400 digits"},
		{`"workflowId":{}`, "workflowId", "must be an integer, not an object"},
		{`"from":null`, "from", "must be a string, not null: leave out what has no value"},
		{`"from":1`, "from", "must be a string, not a number"},
		{`"from":-1.5e+10`, "from", "must be a string, not a number"},
		{`"osType":true`, "osType", "must be a string, not a boolean"},
		{`"email":[]`, "email", "must be a string, not an array"},
		{"\"messageName\":\"a\xc3(\"", "messageName", "is not UTF-8 at byte 162"},
		{"\"messageName\":\"\xed\xa0\x80\"", "messageName", "is not UTF-8 at byte 161"},
		{`"messageName":"\ud83d"`, "messageName", "has half of a surrogate pair at byte 161"},
		{`"messageName":"\ude00\ud83d"`, "messageName", "has half of a surrogate pair at byte 161"},
		{`"messageName":"\udc00\udc00"`, "messageName", "has half of a surrogate pair at byte 161"},
		{`"messageName":"\ud83d\u0041"`, "messageName", "has half of a surrogate pair at byte 161"},
		// Values
		{`"email":"nobody"`, "email", "must be an email address: it has no @"},
		{`"email":""`, "email", "must be an email address: it has no @"},
		{`"email":"a b@c"`, "email", noBlanks},
		{`"email":"a\t@c"`, "email", noBlanks},
		{`"email":"a@c\u007f"`, "email", noBlanks},
		{`"email":"` + "\u00a0" + `a@c"`, "email", noBlanks},
		{`"email":"` + "é@\u0085" + `"`, "email", noBlanks},
		{`"sms":""`, "sms", onlyDigits},
		{`"sms":"+380671234567"`, "sms", onlyDigits},
		{`"viber":"38067 1234567"`, "viber", onlyDigits},
		// statusData
		{`"statusData":null`, "statusData", "must be an object, not null: leave out what has no value"},
		{`"statusData":[]`, "statusData", "must be an object, not an array"},
		{`"statusData":{"subscripton":{}}`, "statusData.subscripton", `is not a field of statusData: did you mean "subscription"?`},
		{`"statusData":{"subscription":{}}`, "statusData.subscription.subscriptions", "is required within subscription"},
		{`"statusData":{"subscription":null}`, "statusData.subscription", "must be an object, not null: leave out what has no value"},
		{`"statusData":{"subscription":{"subscriptions":"A"}}`, "statusData.subscription.subscriptions", "must be an array of strings, not a string"},
		{`"statusData":{"subscription":{"subscriptions":["A",1]}}`, "statusData.subscription.subscriptions", "must be an array of strings, not a number"},
		{`"statusData":{"subscription":{"subscriptions":["\udc00"]}}`, "statusData.subscription.subscriptions", "has half of a surrogate pair at byte 194"},
		{`"statusData":{"subscription":{"subscriptions":[]},"subscription":{}}`, "statusData.subscription", "stands twice"},
		{`"statusData":{"subscription":{"subscriptions":[],"subscriptio\u006es":[]}}`, "statusData.subscription.subscriptions", "stands twice"},
		// Fields that need a status
		{`"clickEventLink":"https://a.example"`, "clickEventLink", "goes only with activityStatus CLICKED, not READ"},
		{`"hardBounce":false`, "hardBounce", "goes only with activityStatus UNDELIVERED, not READ"},
		{`"statusDescription":""`, "statusDescription", "goes only with activityStatus UNDELIVERED, not READ"},
	} {
		wantFields(t, "["+whole(","+c.fields)+"]", testIntake(), FieldError{0, c.field, c.reason})
	}
	for _, c := range []struct{ from, to, field, reason string }{
		{`"contactId":1,`, ``, "contactId", "is required"},
		{`"activityStatus":"READ",`, ``, "activityStatus", "is required"},
		{`"mediaType":"email",`, ``, "mediaType", "is required"},
		{`"contactId":1`, `"contactId":"1"`, "contactId", "must be an integer, not a string"},
		{`"READ"`, `"READED"`, "activityStatus", `"READED" is not one of ` + statuses + `: did you mean "READ"?`},
		{`"READ"`, `"read"`, "activityStatus", `"read" is not one of ` + statuses + `: did you mean "READ"?`},
		{`"READ"`, `"BOUNCED"`, "activityStatus", `"BOUNCED" is not one of ` + statuses},
		{`"READ"`, `7`, "activityStatus", "must be a string, not a number"},
		{`"READ"`, `"SENT"`, "activityStatus", "SENT goes only with mediaType mobilepush, not email"},
		{`"email"`, `"e-mail"`, "mediaType", `"e-mail" is not one of ` + media + `: did you mean "email"?`},
		{`"email"`, `"` + strings.Repeat("m", 99) + `"`, "mediaType", `"` + strings.Repeat("m", 60) + `…" is not one of ` + media},
		{`"READ"`, `"UNDELIVERED","hardBounce":"no"`, "hardBounce", "must be true or false, not a string"},
		{`"READ"`, `"UNDELIVERED","hardBounce":0`, "hardBounce", "must be true or false, not a number"},
		{testID, "", "iid", onlyUUID},
		{testID, testID[:35], "iid", onlyUUID},
		{testID, testID[:35] + "g", "iid", onlyUUID},
		{testID, "0123456789abcdef0123456789abcdef", "iid", onlyUUID},
		{testID, strings.Replace(testID, "-89ab", "-89-b", 1), "iid", onlyUUID},
		{testID, strings.Replace(testID, "-0123-", "\\u00ff", 1), "iid", onlyUUID},
		{"2020-02-29T00:00:00", "2020-02-30T00:00:00", "activityDateTime", noDay},
		{"2020-02-29T00:00:00", "1969-12-31T23:59:59", "activityDateTime", notYears},
		{"2020-02-29T00:00:00", "1970-01-01T00:00:00+00:01", "activityDateTime", notYears},
		{"2020-02-29T00:00:00", "9999-12-31T23:59:59-00:01", "activityDateTime", notYears},
		{"2020-02-29T00:00:00", "2020-02-29", "activityDateTime", wantDateTime},
	} {
		body := "[" + whole("") + "," + strings.Replace(whole(""), c.from, c.to, 1) + "]"
		wantFields(t, body, testIntake(), FieldError{1, c.field, c.reason})
	}
}

func TestWhatIsNotAnActivityIsNamedByItsIndex(t *testing.T) {
	body := `[` + whole("") + `,null, 1 ,"x",[{"a":[]}],true,{}]`
	wantFields(t, body, testIntake(),
		FieldError{1, "", "must be an object, not null"},
		FieldError{2, "", "must be an object, not a number"},
		FieldError{3, "", "must be an object, not a string"},
		FieldError{4, "", "must be an object, not an array"},
		FieldError{5, "", "must be an object, not a boolean"},
		FieldError{6, "activityStatus", "is required"},
		FieldError{6, "contactId", "is required"},
		FieldError{6, "mediaType", "is required"},
	)
}

func TestBrokenJSONIsNamedByItsByte(t *testing.T) {
	for _, c := range []struct {
		body          string
		index         int
		field, reason string
	}{
		{``, -1, "", "byte 0: expected a JSON array of activities, found the end"},
		{` {"contactId":1}`, -1, "", "byte 1: expected a JSON array of activities, found {"},
		{"\xff\xfe[", -1, "", "byte 0: expected a JSON array of activities, found a byte 0xFF"},
		{`[`, 0, "", "byte 1: expected a value, found the end"},
		{`[,1]`, 0, "", "byte 1: expected a value, found ,"},
		{`[}`, 0, "", "byte 1: expected a value, found }"},
		{`[` + whole("") + `,]`, 1, "", "byte 147: expected a value, found ]"},
		{`[` + whole("") + whole("") + `]`, 0, "", "byte 146: expected ',' or ']' after the activity, found {"},
		{`[` + whole("") + `] x`, -1, "", "byte 148: expected nothing after the array, found x"},
		{`[` + whole("") + "]\x00", -1, "", "byte 147: expected nothing after the array, found a byte 0x00"},
		{`[{contactId:1}]`, 0, "", "byte 2: expected a key in quotes, found c"},
		{`[{"contactId":1,}]`, 0, "", "byte 16: expected a key in quotes, found }"},
		{`[{"contactId" 1}]`, 0, "contactId", "byte 14: expected ':' after the key, found 1"},
		{`[{"contactId":}]`, 0, "contactId", "byte 14: expected a value, found }"},
		{`[{"contactId":1 "email":"a@b"}]`, 0, "contactId", "byte 16: expected ',' or '}', found \""},
		{`[{"contactId":01}]`, 0, "contactId", "byte 14: a number with leading zeros"},
		{`[{"contactId":-}]`, 0, "contactId", "byte 15: expected a digit, found }"},
		{`[{"contactId":+1}]`, 0, "contactId", "byte 14: expected a value, found +"},
		{`[{"contactId":1.}]`, 0, "contactId", "byte 16: expected a digit, found }"},
		{`[{"contactId":1e}]`, 0, "contactId", "byte 16: expected a digit, found }"},
		{`[{"contactId":1E+}]`, 0, "contactId", "byte 17: expected a digit, found }"},
		{`[{"contactId":NaN}]`, 0, "contactId", "byte 14: expected a value, found N"},
		{`[{"hardBounce":tru}]`, 0, "hardBounce", "byte 15: expected a value, found t"},
		{`[{"hardBounce":falsey}]`, 0, "hardBounce", "byte 20: expected ',' or '}', found y"},
		{`[{"email":nul`, 0, "email", "byte 10: expected a value, found n"},
		{`[{"email":"a@b`, 0, "email", "byte 14: the text ends within a string"},
		{`[{"email":"a@b\`, 0, "email", "byte 15: the text ends within a string"},
		{`[{"email":"a@b\u12`, 0, "email", "byte 14: \\u without 4 hex digits"},
		{`[{"email":"a@b\u12g4"}]`, 0, "email", "byte 14: \\u without 4 hex digits"},
		{`[{"email":"a@b\x"}]`, 0, "email", `byte 14: an unknown escape: JSON has \" \\ \/ \b \f \n \r \t and \u with 4 hex digits`},
		{"[{\"email\":\"a@b\n\"}]", 0, "email", `byte 14: a control character 0x0A within a string: write it as \u000a`},
		{"[{\"email\":\"a@b\x00 and more\"}]", 0, "email", `byte 14: a control character 0x00 within a string: write it as \u0000`},
		{"[{\"email\":\f\"a@b\"}]", 0, "email", "byte 10: expected a value, found a byte 0x0C"},
		{"[{\"contactId\":1,\"mediaType\"\u00a0:\"sms\"}]", 0, "mediaType", "byte 27: expected ':' after the key, found a byte 0xC2"},
		{`[{"from":{"a":1,}}]`, 0, "from", "byte 16: expected a key in quotes, found }"},
		{`[{"from":[1,]}]`, 0, "from", "byte 12: expected a value, found ]"},
		{`[{"statusData":{"subscription":{"subscriptions":["A",]}}}]`, 0, "statusData", "byte 53: expected a value, found ]"},
		{`[{"statusData":{"subscription":{"subscriptions":["A"}}}]`, 0, "statusData", "byte 52: expected ',' or ']', found }"},
		{`[{"statusData":{"subscription":}}]`, 0, "statusData", "byte 31: expected a value, found }"},
		{`[{"statusData":{"subscription"}}]`, 0, "statusData", "byte 30: expected ':' after the key, found }"},
		{`[{"statusData":{1:2}}]`, 0, "statusData", "byte 16: expected a key in quotes, found 1"},
		{`[{"from":` + strings.Repeat("[", 10_000), 0, "from", "byte 41: nested deeper than 32 levels"},
		{strings.Repeat("[", 10_000), 0, "", "byte 34: nested deeper than 32 levels"},
		{`[{"from":` + strings.Repeat(`{"x":`, 10_000), 0, "from", "byte 169: nested deeper than 32 levels"},
	} {
		wantFields(t, c.body, testIntake(), FieldError{c.index, c.field, c.reason})
	}
}

func TestNothingToStoreIsRefused(t *testing.T) {
	for _, c := range []struct {
		body   string
		ndjson bool
		want   string
	}{
		{" [ ] ", false, "nothing to store: the request has no activity"},
		{"", true, "nothing to store: the request has no activity"},
		{"\n \r\n\t\n", true, "nothing to store: the request has no activity"},
		{"\ufeff[]", false, "the body begins with a byte order mark: send UTF-8 without one"},
		{"\ufeff{}", true, "the body begins with a byte order mark: send UTF-8 without one"},
	} {
		in := testIntake()
		in.NDJSON = c.ndjson
		if err := invalid(t, c.body, in); err.Error() != c.want {
			t.Errorf("%q: %v", c.body, err)
		}
	}
}

func TestWrongLinesAreNamedAndTheOthersStillRead(t *testing.T) {
	in := testIntake()
	in.NDJSON = true
	body := whole("") + "\n\n{\"contactId\":1\n" + whole("") + " 5\r\n" + whole(`,"osname":""`) + "\n[" + whole("") + "]\n{\n}\n"
	wantFields(t, body, in,
		FieldError{2, "contactId", "line 3: byte 161: expected ',' or '}', found the end"},
		FieldError{3, "", "line 4: byte 308: expected the end of the line after the activity, found 5"},
		FieldError{4, "osname", `line 5: is not a field of an activity: did you mean "osName"?`},
		FieldError{5, "", "line 6: must be an object, not an array"},
		FieldError{6, "", "line 7: byte 618: expected a key in quotes, found the end"},
		FieldError{7, "", "line 8: byte 619: expected a value, found }"},
	)
	if got, want := invalid(t, body, in).Message, "6 of 7 activities are wrong: nothing was stored"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFaultsBeforeABreakAreReportedToo(t *testing.T) {
	err := invalid(t, `[1,`+whole("")+`,{"sms":"x",]`, testIntake())
	want := "the JSON breaks at byte 160: nothing was stored (up to there, 2 activities are wrong too); " +
		"[0]: must be an object, not a number; " +
		"[2].sms: must be digits only, without + and spaces; " +
		"[2]: byte 160: expected a key in quotes, found ]"
	if err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestWrongActivitiesBeyondTheNamedAreCounted(t *testing.T) {
	for _, c := range []struct {
		body    string
		fields  int
		message string
	}{
		{"[" + strings.Repeat("1,", MaxReported-1) + "1]", MaxReported, "100 of 100 activities are wrong: nothing was stored"},
		{"[" + strings.Repeat("1,", 249) + whole("") + "]", MaxReported, "249 of 250 activities are wrong: nothing was stored (the first 100 are named, 149 more are not)"},
		{"[" + strings.Repeat("1,", 249) + "}", MaxReported + 1, "the JSON breaks at byte 499: nothing was stored (up to there, 249 activities are wrong too)"},
		{"[" + whole(strings.Repeat(`,"x":{"y":null}`, 1000)) + "]", maxFaults, "1 of 1 activity is wrong: nothing was stored"},
		{"[" + strings.Repeat(`{},`, 200) + "{}]", 3 * MaxReported, "201 of 201 activities are wrong: nothing was stored (the first 100 are named, 101 more are not)"},
	} {
		err := invalid(t, c.body, testIntake())
		if len(err.Fields) != c.fields || err.Message != c.message {
			t.Errorf("%.60s: %d fields: %s", c.body, len(err.Fields), err.Message)
		}
		if last := err.Fields[len(err.Fields)-1]; c.fields == MaxReported+1 && last.Reason != "byte 499: expected a value, found }" {
			t.Error(fmt.Sprint(last))
		}
	}
}
