package tidings_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"tidings"
)

func params(of string) []tidings.EventParam {
	var list []tidings.EventParam
	for p := range strings.SplitSeq(of, ";") {
		if name, value, ok := strings.Cut(p, "="); ok {
			list = append(list, tidings.EventParam{Name: name, Value: json.RawMessage(value)})
		}
	}
	return list
}

func TestAnEventWithoutAKeyValueTakesItsContacts(t *testing.T) {
	for of, want := range map[string]string{
		`ContactId=7;email="a@b.c"`:                  "7",
		`email="a@b.c";contact_id="7"`:               "7",
		`phone="+380 67";UserEmail="a@b.c"`:          "a@b.c",
		`PushToken="t";PHONENUMBER=380671234567`:     "380671234567",
		`MobPushToken="t"`:                           "t",
		`externalCustomerId=" ";email="a@b.c"`:       "a@b.c",
		`externalCustomerId="NULL";email="a@b.c"`:    "a@b.c",
		`externalCustomerId=null;sms="380671234567"`: "380671234567",
		`externalCustomerId="c-1";email="a@b.c"`:     "c-1",
		`contactkey="9";externalCustomerId="c-1"`:    "9",
		`order=1`:       "",
		`email=""`:      "",
		`email={"a":1}`: "",
		`email=[1]`:     "",
		`email=true`:    "",
		`email="` + strings.Repeat("x", 301) + `"`: "",
	} {
		e := tidings.Event{TypeKey: "order", Params: params(of)}
		faults := tidings.CheckEvent(&e)
		if want == "" && (len(faults) != 1 || faults[0].Field != "keyValue") || want != "" && (len(faults) > 0 || e.KeyValue != want) {
			t.Errorf("%.60s: keyValue %.40q, %v; want %q", of, e.KeyValue, faults, want)
		}
	}
}

func TestAnEventNamesItsContactInItsOrder(t *testing.T) {
	e := tidings.Event{Params: params(`TelegramBotToken="tg";pushtoken="wp";ContactEmail="a@b.c";EmailAddress="nonsense";SMS="+38 (067) 123-45-67";External_Customer_Id="c-1";CONTACTID=12.5;contact_key="77"`)}
	id := e.Identity()
	if id.Contact != 77 || id.ExternalCustomerID != "c-1" || fmt.Sprint(id.Channels) != "[{email a@b.c false} {sms 380671234567 false} {webpush wp false} {telegrambot tg false}]" {
		t.Errorf("%+v", id)
	}
}

func FuzzEvent(f *testing.F) {
	f.Add("order", "1", "email", `"ann@example.com"`)
	f.Add("", "", "contactId", `1e400`)
	f.Add("a", "b", "phone", `"\ud800"`)
	f.Fuzz(func(t *testing.T, typeKey, keyValue, name, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		e := tidings.Event{TypeKey: typeKey, KeyValue: keyValue, Params: []tidings.EventParam{{Name: name, Value: json.RawMessage(value)}}}
		if len(tidings.CheckEvent(&e)) > 0 {
			return
		}
		if e.KeyValue == "" || utf8.RuneCountInString(e.KeyValue) > tidings.MaxEventKeyValue {
			t.Errorf("keyValue %q", e.KeyValue)
		}
		for _, ch := range e.Identity().Channels {
			if again, reason := tidings.CheckChannel(ch.Type, ch.Value); reason != "" || again != ch.Value {
				t.Errorf("%v %q is not in its own form: %q, %q", ch.Type, ch.Value, again, reason)
			}
		}
	})
}
