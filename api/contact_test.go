package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings/api/apitest"
)

// field makes an additional field.
func (w *world) field(key, name, kind string) {
	w.T.Helper()
	w.Request(key, "POST /v1/fields", fmt.Sprintf(`{"key":%q,"type":%q}`, name, kind)).Want(201)
}

// madeContact makes a contact and gives its id.
func (w *world) madeContact(key, body string) string {
	w.T.Helper()
	return fmt.Sprint(w.Request(key, "POST /v1/contacts", body).Want(201).Get("id"))
}

func TestAContactComesBackAsItWasSent(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for name, kind := range map[string]string{"PERSONAL.BONUS": "number", "SHOP.LIKES": "list", "SHOP.VIP": "bool", "PERSONAL.BIRTHDAY": "date", "SHOP.NOTE": "text"} {
		w.field(key, name, kind)
	}
	const sent = `{"externalCustomerId":"c-1","firstName":"Ann","lastName":"О'Ніл <b>","channels":[{"type":"email","value":" Ann@Example.com "},{"type":"sms","value":"+38 (067) 123-45-67"},{"type":"webpush","value":"tok"}],
		"address":{"region":"R","town":"Львів","address":"A","postcode":"79000"},"languageCode":"uk","timeZone":"Europe/Kyiv",
		"fields":{"personal.bonus":120.50,"SHOP.LIKES":["tea","tea","coffee"],"SHOP.VIP":false,"PERSONAL.BIRTHDAY":"2001-02-28","SHOP.NOTE":"\u0000x"},"subscriptions":["B","A"]}`
	w.Request(key, "POST /v1/contacts", sent).Want(422).Has("detail", "the contact breaks the rules: nothing was stored")
	a := w.Request(key, "POST /v1/contacts", strings.Replace(sent, `\u0000x`, `\"q\"`, 1)).Want(201)
	const want = `"externalCustomerId":"c-1","firstName":"Ann","lastName":"О'Ніл <b>","email":"Ann@Example.com","sms":"380671234567",` +
		`"channels":[{"type":"email","value":"Ann@Example.com","blacklisted":false},{"type":"sms","value":"380671234567","blacklisted":false},{"type":"webpush","value":"tok","blacklisted":false}],` +
		`"address":{"region":"R","town":"Львів","address":"A","postcode":"79000"},"languageCode":"uk","timeZone":"Europe/Kyiv",` +
		`"fields":{"PERSONAL.BIRTHDAY":"2001-02-28","PERSONAL.BONUS":120.50,"SHOP.LIKES":["tea","coffee"],"SHOP.NOTE":"\"q\"","SHOP.VIP":false},"subscriptions":["A","B"],"version":1`
	if !strings.Contains(a.Body, want) {
		t.Errorf("made %s\nwant %s", a.Body, want)
	}
	if got := w.Request(key, "GET /v1/contacts/1", "").Want(200); got.Body != a.Body {
		t.Errorf("read %s", got.Body)
	}
}

func TestWrongContactsAreNamedAndNothingIsStored(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.field(key, "SHOP.N", "number")
	w.field(key, "SHOP.D", "date")
	w.field(key, "SHOP.L", "list")
	w.field(key, "SHOP.B", "bool")
	for _, c := range []struct{ body, field string }{
		{`{}`, ""},
		{`{"firstName":"x"}`, ""},
		{`{"email":"x"}`, "email"},
		{`{"email":"a@b"}`, "email"},
		{`{"email":"a b@example.com"}`, "email"},
		{`{"email":"a@example.com\r\nBcc: x@y.z"}`, "email"},
		{`{"email":"@example.com"}`, "email"},
		{`{"email":7}`, "email"},
		{`{"sms":"12"}`, "sms"},
		{`{"sms":"not a number"}`, "sms"},
		{`{"sms":"1234567890123456"}`, "sms"},
		{`{"channels":[{"type":"viber","value":"380671234567"}]}`, "channels[0].type"},
		{`{"channels":[{"type":"webpush","value":""}]}`, "channels[0].value"},
		{`{"channels":[{"type":"email","value":"a@example.com"},{"type":"email","value":"A@EXAMPLE.COM"}]}`, "channels[1]"},
		{`{"channels":[{"type":"email","value":"a@example.com"}],"sms":"380671234567"}`, "channels"},
		{`{"email":"a@example.com","firstName":"` + strings.Repeat("я", 61) + `"}`, "firstName"},
		{`{"email":"a@example.com","externalCustomerId":"` + strings.Repeat("x", 256) + `"}`, "externalCustomerId"},
		{`{"email":"a@example.com","address":{"city":"x"}}`, "address.city"},
		{`{"email":"a@example.com","languageCode":"Ukrainian language"}`, "languageCode"},
		{`{"email":"a@example.com","timeZone":"Kyiv"}`, "timeZone"},
		{`{"email":"a@example.com","timeZone":"../../etc/passwd"}`, "timeZone"},
		{`{"email":"a@example.com","fields":{"SHOP.X":1}}`, "fields.SHOP.X"},
		{`{"email":"a@example.com","fields":{"SHOP.N":"1"}}`, "fields.SHOP.N"},
		{`{"email":"a@example.com","fields":{"SHOP.N":1,"shop.n":2}}`, "fields.shop.n"},
		{`{"email":"a@example.com","fields":{"SHOP.D":"31.01.2026"}}`, "fields.SHOP.D"},
		{`{"email":"a@example.com","fields":{"SHOP.L":[1]}}`, "fields.SHOP.L"},
		{`{"email":"a@example.com","fields":{"SHOP.B":"true"}}`, "fields.SHOP.B"},
		{`{"email":"a@example.com","fields":[]}`, "fields"},
		{`{"email":"a@example.com","subscriptions":[" "]}`, "subscriptions[0]"},
		{`{"email":"a@example.com","id":5}`, "id"},
		{`{"email":"a@example.com","version":5}`, "version"},
		{`{"email":"a@example.com","matchBy":"email"}`, "matchBy"},
	} {
		a := w.Request(key, "POST /v1/contacts", c.body)
		if a.Status != 422 || firstFault(a) != c.field {
			t.Errorf("%.80s: answered %d, fault in %q, want %q: %s", c.body, a.Status, firstFault(a), c.field, a.Body)
		}
	}
	if a := w.Request(key, "GET /v1/contacts", "").Want(200); !strings.Contains(a.Body, `"contacts":[]`) {
		t.Errorf("something was stored: %s", a.Body)
	}
}

func TestAnUpsertChangesOrCreates(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	upsert := func(body string) *apitest.Answer { return w.Request(key, "POST /v1/contacts/upsert", body) }
	upsert(`{"email":"ann@example.com","firstName":"Ann"}`).Want(200).Has("created", true).Has("changed", true)
	upsert(`{"email":"ANN@example.com","firstName":"Ann"}`).Want(200).Has("created", false).Has("changed", true) // the address is written otherwise
	upsert(`{"email":"ANN@example.com","firstName":"Ann"}`).Want(200).Has("created", false).Has("changed", false)
	upsert(`{"id":1,"sms":"380671234567"}`).Want(200).Has("contact.email", "ANN@example.com").Has("contact.sms", "380671234567").Has("created", false)
	upsert(`{"externalCustomerId":"c-1","sms":"380671234567"}`).Want(200).Has("contact.id", 1.0).Has("contact.externalCustomerId", "c-1")
	upsert(`{"matchBy":"email","email":"bo@example.com","sms":"380671234567"}`).Want(409).Has("detail", "the sms belongs to contact 1: nothing was stored")
	upsert(`{"matchBy":"sms","email":"bo@example.com"}`).Want(422)
	upsert(`{"matchBy":"name","email":"bo@example.com"}`).Want(422)
	upsert(`{"id":77,"email":"bo@example.com"}`).Want(404)
	w.Request(key, "POST /v1/contacts", `{"email":"ann@example.com"}`).Want(409).Has("code", "conflict")
}

func TestAContactIsChangedByAMergePatch(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.field(key, "SHOP.N", "number")
	w.field(key, "SHOP.T", "text")
	w.madeContact(key, `{"email":"ann@example.com","sms":"380671234567","firstName":"Ann","address":{"town":"Kyiv","region":"R"},"fields":{"SHOP.N":1,"SHOP.T":"x"},"subscriptions":["A"]}`)
	patch := func(body string) *apitest.Answer { return w.Request(key, "PATCH /v1/contacts/1", body) }
	patch(`{}`).Want(200).Has("version", 1.0)
	patch(`{"firstName":null,"address":{"town":"Lviv"},"fields":{"SHOP.N":null}}`).Want(200).Has("firstName", "").Has("address.town", "Lviv").Has("address.region", "R").Has("version", 2.0)
	patch(`{"address":null,"email":null}`).Want(200).Has("address.town", "").Has("address.region", "").Has("email", "").Has("sms", "380671234567")
	patch(`{"fields":null}`).Want(200)
	if a := w.Request(key, "GET /v1/contacts/1", ""); !strings.Contains(a.Body, `"fields":{}`) {
		t.Error(a.Body)
	}
	patch(`{"firstName":"x","version":1}`).Want(409).Has("code", "conflict")
	patch(`{"firstName":"x","version":4}`).Want(200).Has("version", 5.0)
	patch(`{"sms":null}`).Want(422)
	patch(`{"id":2}`).Want(422)
	patch(`{"subscriptions":["B"]}`).Want(200)
	feed := w.Request(key, "GET /v1/activities", "").Want(200)
	if strings.Count(feed.Body, `"activityStatus":"SUBSCRIPTION_CHANGED"`) != 1 || !strings.Contains(feed.Body, `"statusData":{"subscription":{"subscriptions":["B"]}}`) {
		t.Errorf("feed: %s", feed.Body)
	}
}

func TestContactsAreFoundAsOneTypes(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.madeContact(key, `{"email":"ann.lee@example.com","firstName":"Ann","lastName":"Lee","externalCustomerId":"A-1"}`)
	w.madeContact(key, `{"sms":"380671234567","firstName":"Bo"}`)
	for query, want := range map[string]string{
		"q=ann": "[1]", "q=lee%20a": "[1]", "q=ann.": "[1]", "q=%2B38067": "[2]", "q=2": "[2]", "q=A-": "[1]", "q=zzz": "[]",
		"email=ANN.lee@example.com": "[1]", "sms=%2B38+067+123+45+67": "[2]", "externalCustomerId=A-1": "[1]", "externalCustomerId=A-": "[]", "email=x@y.z": "[]",
		"": "[1 2]", "limit=1": "[1]", "after=1": "[2]",
	} {
		a := w.Request(key, "GET /v1/contacts?"+query, "").Want(200)
		var page struct{ Contacts []struct{ ID int } }
		if err := json.Unmarshal([]byte(a.Body), &page); err != nil {
			t.Fatal(err)
		}
		ids := []int{}
		for _, c := range page.Contacts {
			ids = append(ids, c.ID)
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("%s finds %v, want %s", query, ids, want)
		}
	}
	if a := w.Request(key, "GET /v1/contacts?limit=1", ""); a.Get("next") != 1.0 {
		t.Error(a.Body)
	}
	w.Request(key, "GET /v1/contacts?limit=501", "").Want(400)
}

func TestContactsNeedAScopeAndStayInTheirAccount(t *testing.T) {
	w := newWorld(t)
	owner, other := w.Account("one"), w.Account("two")
	ingest, read, manage := w.key(owner, `"ingest"`), w.key(owner, `"read"`), w.key(owner, `"manage"`)
	w.Request(read, "POST /v1/contacts", `{"email":"a@example.com"}`).Want(403)
	w.Request(ingest, "POST /v1/contacts", `{"email":"a@example.com"}`).Want(201)
	w.Request(manage, "POST /v1/contacts", `{"email":"b@example.com"}`).Want(201)
	w.Request(ingest, "GET /v1/contacts/1", "").Want(403)
	w.Request(read, "GET /v1/contacts/1", "").Want(200)
	w.Request(ingest, "POST /v1/fields", `{"key":"A.B","type":"text"}`).Want(403)
	for _, line := range []string{"GET /v1/contacts/1", "PATCH /v1/contacts/1", "DELETE /v1/contacts/1", "GET /v1/contacts/1/timeline"} {
		w.Request(other, line, "").Want(404)
	}
	w.Request(other, "POST /v1/contacts/upsert", `{"id":1,"firstName":"x"}`).Want(404)
	w.Request(manage, "DELETE /v1/contacts/1", "").Want(204)
	w.Request(read, "GET /v1/contacts/1", "").Want(404)
}

func TestFieldsAreDefinedOnceAndGoWithTheirValues(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{"key":"Personal.Bonus","type":"number","name":"Bonus points"}`, 201, "-"},
		{`{"key":"PERSONAL.BONUS","type":"text"}`, 409, "-"},
		{`{"key":"EMAIL","type":"text"}`, 422, "key"},
		{`{"key":"city","type":"text"}`, 422, "key"},
		{`{"key":"A B","type":"text"}`, 422, "key"},
		{`{"key":"A..B","type":"text"}`, 422, "key"},
		{`{"key":"1A","type":"text"}`, 422, "key"},
		{`{"type":"text"}`, 422, "key"},
		{`{"key":"A.B"}`, 422, "type"},
		{`{"key":"A.B","type":"json"}`, 422, "type"},
	} {
		a := w.Request(key, "POST /v1/fields", c.body).Want(c.status)
		if c.field != "-" && firstFault(a) != c.field {
			t.Errorf("%s: %s", c.body, a.Body)
		}
	}
	w.madeContact(key, `{"email":"a@example.com","fields":{"PERSONAL.BONUS":5}}`)
	w.Request(key, "PATCH /v1/fields/personal.bonus", `{"name":null}`).Want(200).Has("name", "").Has("key", "PERSONAL.BONUS")
	w.Request(key, "PATCH /v1/fields/NO.SUCH", `{"name":"x"}`).Want(404)
	w.Request(key, "POST /v1/segments", `{"name":"rich","condition":{"field":"personal.bonus","op":"greater","value":1}}`).Want(201)
	if a := w.Request(key, "DELETE /v1/fields/PERSONAL.BONUS", "").Want(409); !strings.Contains(a.Body, `segment 1 \"rich\"`) {
		t.Error(a.Body)
	}
	w.Request(key, "DELETE /v1/segments/1", "").Want(204)
	w.Request(key, "DELETE /v1/fields/PERSONAL.BONUS", "").Want(204)
	if a := w.Request(key, "GET /v1/contacts/1", ""); !strings.Contains(a.Body, `"fields":{}`) {
		t.Error(a.Body)
	}
	if a := w.Request(key, "GET /v1/fields", "").Want(200); !strings.Contains(a.Body, `"fields":[]`) || !strings.Contains(a.Body, `"TOWN"`) {
		t.Error(a.Body)
	}
	audit := w.Request(key, "GET /v1/audit", "").Want(200)
	for _, act := range []string{"field.create", "field.update", "field.delete", "segment.create", "segment.delete"} {
		if !strings.Contains(audit.Body, act) {
			t.Errorf("the audit does not tell of %s", act)
		}
	}
}

func TestTheBlacklistIsOfAddresses(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.madeContact(key, `{"email":"Ann@example.com"}`)
	w.Request(key, "POST /v1/blacklist", `{"channels":[{"type":"email","value":"ann@EXAMPLE.com"},{"type":"sms","value":"+380 67 123 45 67"}],"reason":"asked"}`).Want(200).Has("added", 2.0)
	w.Request(key, "POST /v1/blacklist", `{"channels":[{"type":"email","value":"ann@example.com"}]}`).Want(200).Has("added", 0.0)
	if a := w.Request(key, "GET /v1/contacts/1", ""); !strings.Contains(a.Body, `"value":"Ann@example.com","blacklisted":true`) {
		t.Error(a.Body)
	}
	if a := w.Request(key, "GET /v1/blacklist?limit=1", "").Want(200); !strings.Contains(a.Body, `"type":"email","value":"ann@example.com","reason":"asked"`) || a.Get("next") != 1.0 {
		t.Error(a.Body)
	}
	w.Request(key, "POST /v1/blacklist/remove", `{"channels":[{"type":"email","value":"ann@example.com"}]}`).Want(200).Has("removed", 1.0)
	w.Request(key, "POST /v1/blacklist", `{"channels":[]}`).Want(422)
	w.Request(key, "POST /v1/blacklist/remove", `{"channels":[{"type":"email","value":"ann@example.com"}],"reason":"x"}`).Want(422)
	if a := w.Request(key, "GET /v1/contacts/1", ""); !strings.Contains(a.Body, `"blacklisted":false`) {
		t.Error(a.Body)
	}
}
