package tidings_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidings"
)

func ann() tidings.Contact {
	return tidings.Contact{
		ID: 687266822, ExternalCustomerID: "c-1", FirstName: "Ann", LastName: "Lee",
		Channels: []tidings.Channel{{Type: tidings.SMS, Value: "380671234567"}, {Type: tidings.Email, Value: "ann@example.com"}, {Type: tidings.Email, Value: "second@example.com"}},
		Region:   "R", Town: "Lviv", Address: "A 1", Postcode: "79000", Language: "uk", TimeZone: "Europe/Kyiv",
		Fields: []tidings.ContactField{
			{Key: "BARE", Value: tidings.FieldValue{Type: tidings.FieldText, Text: "b"}},
			{Key: "PERSONAL.BONUS", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: "120.50"}},
			{Key: "PERSONAL.LIKES", Value: tidings.FieldValue{Type: tidings.FieldList, List: []string{"tea", "coffee"}}},
		},
		Subscriptions: []string{"LAPTOPS", "NEWS"},
	}
}

func TestValuesOfAContactAreFoundByEveryName(t *testing.T) {
	c := ann()
	for name, want := range map[string]string{
		"contact_ID": "687266822", "contactId": "687266822", "CONTACTID": "687266822", "contactID": "687266822",
		"EXTERNAL_CUSTOMER_ID": "c-1", "externalCustomerId": "c-1",
		"FIRSTNAME": "Ann", "firstName": "Ann", "first_name": "Ann", "name": "Ann", "LastName": "Lee",
		"EMAIL": "ann@example.com", "email": "ann@example.com", "SMS": "380671234567", "phone": "380671234567",
		"REGION": "R", "town": "Lviv", "city": "Lviv", "ADDRESS": "A 1", "postcode": "79000",
		"LANGUAGE": "uk", "languageCode": "uk", "TIMEZONE": "Europe/Kyiv", "timeZone": "Europe/Kyiv", "SUBSCRIPTIONS": "LAPTOPS,NEWS",
		"PERSONAL.BONUS": "120.50", "personal.bonus": "120.50", "Personal.Likes": "tea,coffee", "bare": "b",
	} {
		if v, ok := c.Value(name); !ok || v.String() != want {
			t.Errorf("%s is %q, %t; want %q", name, v, ok, want)
		}
	}
	for _, name := range []string{"", "BONUS", "PERSONAL", "PERSONAL.", "PERSONAL_BONUS", "emails", "_", "EXTERNAL_CUSTOMER_ID_", strings.Repeat("x", 300)} {
		if v, ok := c.Value(name); ok && name != "EXTERNAL_CUSTOMER_ID_" {
			t.Errorf("%q is %q", name, v)
		}
	}
	var empty tidings.Contact
	for _, name := range append(tidings.StandardFields(), "PERSONAL.BONUS") {
		if v, ok := empty.Value(name); ok {
			t.Errorf("of a contact without anything, %s is %q", name, v)
		}
	}
	for _, name := range tidings.StandardFields() {
		if tidings.StandardField(name) != name || !tidings.IsStandardField(strings.ToLower(name)) {
			t.Errorf("%s is not its own name", name)
		}
	}
	if got := c.Group("personal"); len(got) != 2 || got[0].Key != "PERSONAL.BONUS" {
		t.Errorf("the group is %v", got)
	}
	if !c.Subscribed("NEWS") || c.Subscribed("NEW") {
		t.Error("the subscriptions are not what they are")
	}
}

func TestAddressesAreKeptInOneForm(t *testing.T) {
	const wrong = ""
	for _, c := range []struct {
		kind     tidings.MediaType
		in, want string
	}{
		{tidings.Email, " Ann.O'Neil+tag@Example.co.uk ", "Ann.O'Neil+tag@Example.co.uk"},
		{tidings.Email, "олена@приклад.укр", "олена@приклад.укр"},
		{tidings.Email, "a@b.c", "a@b.c"},
		{tidings.Email, "", wrong},
		{tidings.Email, "a", wrong},
		{tidings.Email, "@b.c", wrong},
		{tidings.Email, "a@", wrong},
		{tidings.Email, "a@b", wrong},
		{tidings.Email, "a@.c", wrong},
		{tidings.Email, "a@b..c", wrong},
		{tidings.Email, "a@-b.c", wrong},
		{tidings.Email, "a@b@c.d", wrong},
		{tidings.Email, "a b@c.d", wrong},
		{tidings.Email, "a\u00a0b@c.d", wrong},
		{tidings.Email, "a<b>@c.d", wrong},
		{tidings.Email, "a@b.c\r\nBcc: d@e.f", wrong},
		{tidings.Email, "\xff@b.c", wrong},
		{tidings.Email, strings.Repeat("a", 65) + "@b.c", wrong},
		{tidings.Email, "a@" + strings.Repeat("b.", 130) + "c", wrong},
		{tidings.SMS, "+38 (067) 123-45-67", "380671234567"},
		{tidings.SMS, "380671234567", "380671234567"},
		{tidings.SMS, "1234", wrong},
		{tidings.SMS, "1234567890123456", wrong},
		{tidings.SMS, "38067x1234567", wrong},
		{tidings.SMS, "", wrong},
		{tidings.SMS, "٣٨٠٦٧١٢٣", wrong},
		{tidings.WebPush, "any token", "any token"},
		{tidings.WebPush, "", wrong},
		{tidings.WebPush, strings.Repeat("x", 4097), wrong},
		{tidings.Viber, "380671234567", wrong},
	} {
		got, reason := tidings.CheckChannel(c.kind, c.in)
		if (reason == "") != (c.want != wrong) || reason == "" && got != c.want {
			t.Errorf("%v %q: %q, %q; want %q", c.kind, c.in, got, reason, c.want)
		}
	}
}

func TestAContactIsHeldAgainstTheRules(t *testing.T) {
	many := make([]tidings.Channel, 21)
	for i := range many {
		many[i] = tidings.Channel{Type: tidings.SMS, Value: fmt.Sprint(1_000_000 + i)}
	}
	for name, c := range map[string]struct {
		change func(*tidings.Contact)
		fields string
	}{
		"nothing wrong":      {func(*tidings.Contact) {}, ""},
		"no way to find it":  {func(c *tidings.Contact) { c.Channels, c.ExternalCustomerID = nil, "" }, " "},
		"an id is enough":    {func(c *tidings.Contact) { c.Channels = nil }, ""},
		"long names":         {func(c *tidings.Contact) { c.FirstName, c.LastName = strings.Repeat("я", 60), strings.Repeat("я", 61) }, "lastName"},
		"control characters": {func(c *tidings.Contact) { c.Town, c.Region = "a\x00b", "a\nb" }, "address.town"},
		"not UTF-8":          {func(c *tidings.Contact) { c.Address = "\xff" }, "address.address"},
		"long postcode":      {func(c *tidings.Contact) { c.Postcode = strings.Repeat("1", 256) }, "address.postcode"},
		"languages":          {func(c *tidings.Contact) { c.Language = "pt-BR" }, ""},
		"no language":        {func(c *tidings.Contact) { c.Language = "u" }, "languageCode"},
		"no language, too":   {func(c *tidings.Contact) { c.Language = "uk--UA" }, "languageCode"},
		"many addresses":     {func(c *tidings.Contact) { c.Channels = many }, "channels"},
		"an address twice":   {func(c *tidings.Contact) { c.Channels[2].Value = "ANN@example.com" }, "channels[2]"},
		"a blank category":   {func(c *tidings.Contact) { c.Subscriptions = []string{" "} }, "subscriptions[0]"},
		"too large": {func(c *tidings.Contact) {
			c.Fields = nil
			for i := range 17 {
				c.Fields = append(c.Fields, tidings.ContactField{Key: tidings.FieldKey(fmt.Sprint("K", i)), Value: tidings.FieldValue{Type: tidings.FieldText, Text: strings.Repeat("x", 4096)}})
			}
		}, " "},
	} {
		contact := ann()
		c.change(&contact)
		var fields []string
		for _, f := range tidings.CheckContact(&contact) {
			fields = append(fields, f.Field+" ")
		}
		if got := strings.TrimSpace(strings.Join(fields, "")); got != strings.TrimSpace(c.fields) || (len(fields) > 0) != (c.fields != "") {
			t.Errorf("%s: faults in %q, want %q", name, fields, c.fields)
		}
	}
}

func TestTimeZonesAreThoseOfTheDatabase(t *testing.T) {
	for name, ok := range map[string]bool{"": true, "UTC": true, "Europe/Kyiv": true, "Local": false, "Kyiv": false, "../Europe/Kyiv": false, "/etc/passwd": false, "GMT+2 ": false} {
		if reason := tidings.CheckTimeZone(name); (reason == "") != ok {
			t.Errorf("%q: %q", name, reason)
		}
	}
}

func TestAChangeTouchesWhatItNames(t *testing.T) {
	text := func(s string) *string { return &s }
	bonus := func(n string) []tidings.ContactField {
		v := tidings.FieldValue{Type: tidings.FieldNumber, Text: n}
		return []tidings.ContactField{{Key: "PERSONAL.BONUS", Value: v}}
	}
	for name, c := range map[string]struct {
		change  tidings.ContactChange
		changed bool
		check   func(*tidings.Contact) bool
	}{
		"nothing":             {tidings.ContactChange{}, false, func(*tidings.Contact) bool { return true }},
		"what it has already": {tidings.ContactChange{FirstName: text("Ann"), Email: text("ann@example.com"), Fields: bonus("120.50"), Subscriptions: &[]string{"NEWS", "LAPTOPS", "NEWS"}}, false, func(*tidings.Contact) bool { return true }},
		"a name":              {tidings.ContactChange{FirstName: text("Bo")}, true, func(c *tidings.Contact) bool { return c.FirstName == "Bo" && c.LastName == "Lee" }},
		"an address":          {tidings.ContactChange{Email: text("new@example.com")}, true, func(c *tidings.Contact) bool { return len(c.Channels) == 3 && c.Channels[1].Value == "new@example.com" }},
		"the second address": {tidings.ContactChange{Email: text("second@example.com")}, true, func(c *tidings.Contact) bool {
			return len(c.Channels) == 2 && c.Channels[1].Value == "second@example.com"
		}},
		"addresses removed":    {tidings.ContactChange{Email: text("")}, true, func(c *tidings.Contact) bool { return len(c.Channels) == 1 && c.Channel(tidings.Email) == "" }},
		"an address of a kind": {tidings.ContactChange{Channels: &[]tidings.Channel{{Type: tidings.WebPush, Value: "t"}}}, true, func(c *tidings.Contact) bool { return len(c.Channels) == 1 && c.Channel(tidings.SMS) == "" }},
		"a field": {tidings.ContactChange{Fields: bonus("7")}, true, func(c *tidings.Contact) bool {
			v, _ := c.Value("PERSONAL.BONUS")
			return v.Text == "7" && len(c.Fields) == 3
		}},
		"a field removed": {tidings.ContactChange{Fields: bonus("")}, true, func(c *tidings.Contact) bool { _, ok := c.Value("PERSONAL.BONUS"); return !ok && len(c.Fields) == 2 }},
		"a field added":   {tidings.ContactChange{Fields: []tidings.ContactField{{Key: "C", Value: tidings.FieldValue{Type: tidings.FieldText, Text: "x"}}}}, true, func(c *tidings.Contact) bool { return c.Fields[1].Key == "C" }},
		"subscriptions":   {tidings.ContactChange{Subscriptions: &[]string{"B", "A", "B"}}, true, func(c *tidings.Contact) bool { return slices.Equal(c.Subscriptions, []string{"A", "B"}) }},
	} {
		before, contact := ann(), ann()
		if changed := c.change.Apply(&contact); changed != c.changed || !c.check(&contact) {
			t.Errorf("%s: changed %t: %+v", name, changed, contact)
		}
		again := ann()
		shared := again
		c.change.Apply(&shared)
		if fmt.Sprint(again) != fmt.Sprint(before) {
			t.Errorf("%s: changed a copy's original", name)
		}
		if c.change.Apply(&contact) {
			t.Errorf("%s: the second time changed something", name)
		}
	}
}

func TestFieldKeysHaveOneForm(t *testing.T) {
	for key, want := range map[string]string{
		"PERSONAL.BONUS": "PERSONAL.BONUS", "personal.bonus_2": "PERSONAL.BONUS_2", "A.B.C": "A.B.C", "X": "X",
		"": "", ".A": "", "A.": "", "A..B": "", "A B": "", "1A": "", "A.1": "", "Ä": "", "ı": "", "EMAIL": "", "first_name": "", "contactId": "", strings.Repeat("A", 101): "",
	} {
		got, reason := tidings.CheckFieldKey(key)
		if string(got) != want || (reason == "") != (want != "") {
			t.Errorf("%q: %q, %q; want %q", key, got, reason, want)
		}
	}
}

func TestFieldValuesAreReadInTheirType(t *testing.T) {
	for _, c := range []struct {
		kind     tidings.FieldType
		in, want string // want "" = refused
	}{
		{tidings.FieldText, " as it is ", `" as it is "`},
		{tidings.FieldText, "<&>\u2028", `"<&>\u2028"`},
		{tidings.FieldText, "\xff", ""},
		{tidings.FieldText, "a\x00b", ""},
		{tidings.FieldText, strings.Repeat("x", 4097), ""},
		{tidings.FieldNumber, " -12.50 ", "-12.50"},
		{tidings.FieldNumber, "1e6", "1e6"},
		{tidings.FieldNumber, "12345678901234567890", "12345678901234567890"},
		{tidings.FieldNumber, "1,5", ""},
		{tidings.FieldNumber, "0x10", ""},
		{tidings.FieldNumber, "01", ""},
		{tidings.FieldNumber, "NaN", ""},
		{tidings.FieldNumber, "null", ""},
		{tidings.FieldNumber, `"1"`, ""},
		{tidings.FieldNumber, "", ""},
		{tidings.FieldNumber, strings.Repeat("1", 101), ""},
		{tidings.FieldDate, "2026-02-28", `"2026-02-28"`},
		{tidings.FieldDate, "2026-02-30", ""},
		{tidings.FieldDate, "2026-02-28T23:30:00-02:00", `"2026-03-01T01:30:00Z"`},
		{tidings.FieldDate, "2026-02-28 10:00:00", `"2026-02-28T10:00:00Z"`},
		{tidings.FieldDate, "28.02.2026", ""},
		{tidings.FieldBool, "Yes", "true"},
		{tidings.FieldBool, "0", "false"},
		{tidings.FieldBool, "maybe", ""},
		{tidings.FieldList, "a; b ;;a;c", `["a","b","c"]`},
		{tidings.FieldList, strings.Repeat("x", 4097), ""},
	} {
		v, reason := tidings.ParseFieldValue(c.kind, c.in)
		if (reason == "") != (c.want != "") {
			t.Errorf("%s %q: %q", c.kind, c.in, reason)
			continue
		}
		if got := string(v.AppendJSON(nil)); reason == "" && got != c.want {
			t.Errorf("%s %q: %s, want %s", c.kind, c.in, got, c.want)
		}
	}
	if v, reason := tidings.ListField(strings.Fields(strings.Repeat("x ", 101))); reason != "" || len(v.List) != 1 {
		t.Errorf("a text many times: %v, %q", v.List, reason)
	}
}
