package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func contactPromises() []promise {
	return []promise{
		{"ContactComesBackAsItWasMade", testContactComesBackAsItWasMade},
		{"ContactIsFoundByWhatBelongsToItAlone", testContactIsFoundByWhatBelongsToItAlone},
		{"ContactOfAnotherAccountIsNotThere", testContactOfAnotherAccountIsNotThere},
		{"ChangedContactKeepsTheRest", testChangedContactKeepsTheRest},
		{"ChangeOfAnOlderVersionIsRefused", testChangeOfAnOlderVersionIsRefused},
		{"ChangedSubscriptionsAreAnActivityInTheSameCommit", testChangedSubscriptionsAreAnActivity},
		{"UpsertFindsByTheFirstThatIsKnown", testUpsertFindsByTheFirstThatIsKnown},
		{"ImportGoesOnAfterABadRow", testImportGoesOnAfterABadRow},
		{"ImportRepeatedChangesNothing", testImportRepeatedChangesNothing},
		{"ImportMakesOneContactOfRowsOfOne", testImportMakesOneContactOfRowsOfOne},
		{"AddressGivenUpIsFree", testAddressGivenUpIsFree},
		{"DeletedContactLeavesNothingButItsHistory", testDeletedContactLeavesNothing},
		{"CallsOfADeletedContactAreNobodys", testCallsOfADeletedContactAreNobodys},
		{"BlacklistIsOfTheAddress", testBlacklistIsOfTheAddress},
		{"FieldGoesWithItsValues", testFieldGoesWithItsValues},
		{"ContactsSurviveReopening", testContactsSurviveReopening},
		{"SearchFindsByEveryBeginning", testSearchFindsByEveryBeginning},
		{"SearchStaysWithinTheAccount", testSearchStaysWithinTheAccount},
		{"SearchFollowsChanges", testSearchFollowsChanges},
	}
}

// change makes a change of pairs of names and values: "email ann@example.com", "firstName Ann".
func change(pairs ...string) tidings.ContactChange {
	var ch tidings.ContactChange
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, " ")
		switch name {
		case "external":
			ch.ExternalCustomerID = &value
		case "first":
			ch.FirstName = &value
		case "last":
			ch.LastName = &value
		case "email":
			ch.Email = &value
		case "sms":
			ch.SMS = &value
		case "town":
			ch.Town = &value
		case "subscriptions":
			list := strings.Fields(value)
			ch.Subscriptions = &list
		default:
			panic("no such part of a contact: " + name)
		}
	}
	return ch
}

// newContact makes a contact; see change.
func (h *harness) newContact(t testing.TB, account tidings.AccountID, pairs ...string) tidings.Contact {
	t.Helper()
	c, err := h.CreateContact(t.Context(), account, change(pairs...))
	if err != nil {
		t.Fatalf("CreateContact: %v", err)
	}
	return c
}

// newField makes an additional field.
func (h *harness) newField(t testing.TB, account tidings.AccountID, key tidings.FieldKey, kind tidings.FieldType) {
	t.Helper()
	if _, err := h.CreateField(t.Context(), tidings.Field{Account: account, Key: key, Type: kind}, "key 1 (first)"); err != nil {
		t.Fatalf("CreateField: %v", err)
	}
}

func text(s string) *string { return &s }

func testContactComesBackAsItWasMade(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	for key, kind := range map[tidings.FieldKey]tidings.FieldType{
		"PERSONAL.BONUS": tidings.FieldNumber, "PERSONAL.BIRTHDAY": tidings.FieldDate, "SHOP.LIKES": tidings.FieldList, "SHOP.VIP": tidings.FieldBool, "SHOP.NOTE": tidings.FieldText,
	} {
		h.newField(t, account, key, kind)
	}
	fields := []tidings.ContactField{
		{Key: "PERSONAL.BIRTHDAY", Value: tidings.FieldValue{Type: tidings.FieldDate, Text: "1999-12-31"}},
		{Key: "PERSONAL.BONUS", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: "-12345678901234567890.50"}},
		{Key: "SHOP.LIKES", Value: tidings.FieldValue{Type: tidings.FieldList, List: []string{"tea, green", "\"quotes\"", "б"}}},
		{Key: "SHOP.NOTE", Value: tidings.FieldValue{Type: tidings.FieldText, Text: "true <b>&\u2028\n\\ 12"}},
		{Key: "SHOP.VIP", Value: tidings.FieldValue{Type: tidings.FieldBool, Text: "false"}},
	}
	channels := []tidings.Channel{
		{Type: tidings.Email, Value: "Ann.O'Neil+x@Example.com"},
		{Type: tidings.SMS, Value: "380671234567"},
		{Type: tidings.Email, Value: "second@example.com"},
		{Type: tidings.WebPush, Value: "a \"token\" \\ with Capitals"},
	}
	subscriptions := []string{"TABLETS", "LAPTOPS", "TABLETS"}
	made, err := h.CreateContact(t.Context(), account, tidings.ContactChange{
		ExternalCustomerID: text("c-1"), FirstName: text("Ann"), LastName: text("О'Ніл"), Region: text("R"), Town: text("T"), Address: text("A"),
		Postcode: text("P"), Language: text("uk"), TimeZone: text("Europe/Kyiv"), Channels: &channels, Fields: fields, Subscriptions: &subscriptions,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := tidings.Contact{
		ID: 1, Account: account, ExternalCustomerID: "c-1", FirstName: "Ann", LastName: "О'Ніл", Channels: channels, Region: "R", Town: "T", Address: "A", Postcode: "P",
		Language: "uk", TimeZone: "Europe/Kyiv", Fields: fields, Subscriptions: []string{"LAPTOPS", "TABLETS"}, Version: 1, CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now(),
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	got, err := h.Contact(t.Context(), account, 1)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("read: %v (-want +got):\n%s", err, diff)
	}
	if head, err := h.Head(t.Context(), account); err != nil || head != 0 {
		t.Errorf("making a contact put %d activities into the feed (%v)", head, err)
	}
	_, err = h.CreateContact(t.Context(), account, change("first Nobody"))
	wantCode(t, err, tidings.CodeInvalid)
	_, err = h.CreateContact(t.Context(), 99, change("email x@example.com"))
	wantCode(t, err, tidings.CodeNotFound)
}

func testContactIsFoundByWhatBelongsToItAlone(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "external c-1", "email Ann@example.com", "sms 380671234567")
	for by, key := range map[tidings.MatchBy]string{tidings.MatchEmail: "aNN@EXAMPLE.com", tidings.MatchSMS: "380671234567", tidings.MatchExternalID: "c-1"} {
		c, err := h.FindContact(t.Context(), account, by, key)
		if err != nil || c.ID != ann.ID {
			t.Errorf("by %s: contact %d, %v", by, c.ID, err)
		}
		_, err = h.FindContact(t.Context(), account, by, "other")
		wantCode(t, err, tidings.CodeNotFound)
	}
	for _, taken := range []string{"email ANN@example.com", "sms 380671234567", "external c-1"} {
		_, err := h.CreateContact(t.Context(), account, change(taken))
		wantCode(t, err, tidings.CodeConflict)
	}
	h.newContact(t, account, "external C-1") // another: ids in somebody else's system are taken as they are
}

func testContactOfAnotherAccountIsNotThere(t *testing.T, h *harness) {
	one, two := h.newAccount(t, "one").ID, h.newAccount(t, "two").ID
	ann := h.newContact(t, one, "email ann@example.com")
	_, err := h.Contact(t.Context(), two, ann.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.ChangeContact(t.Context(), two, ann.ID, change("first X"), 0)
	wantCode(t, err, tidings.CodeNotFound)
	wantCode(t, h.DeleteContact(t.Context(), two, ann.ID), tidings.CodeNotFound)
	_, err = h.FindContact(t.Context(), two, tidings.MatchEmail, "ann@example.com")
	wantCode(t, err, tidings.CodeNotFound)
	outcomes, err := h.ImportContacts(t.Context(), two, []tidings.ContactChange{{ID: ann.ID, FirstName: text("X")}}, tidings.MatchAny)
	if err != nil || tidings.CodeOf(outcomes[0].Err) != tidings.CodeNotFound {
		t.Errorf("an upsert by another account's id: %v, %v", outcomes, err)
	}
	h.newContact(t, two, "email ann@example.com") // the same person is another contact there
	if c, err := h.Contact(t.Context(), one, ann.ID); err != nil || c.FirstName != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func testChangedContactKeepsTheRest(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	made := h.newContact(t, account, "email ann@example.com", "sms 380671234567", "first Ann", "town Kyiv")
	h.clock.advance(time.Minute)
	want := made
	want.Town, want.Version, want.UpdatedAt = "Lviv", 2, h.clock.Now()
	want.Channels = []tidings.Channel{{Type: tidings.Email, Value: "new@example.com"}, {Type: tidings.SMS, Value: "380671234567"}}
	got, err := h.ChangeContact(t.Context(), account, made.ID, change("town Lviv", "email new@example.com"), 0)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	again, err := h.ChangeContact(t.Context(), account, made.ID, change("town Lviv"), 0)
	if err != nil || again.Version != 2 {
		t.Errorf("a change of nothing gave version %d, %v", again.Version, err)
	}
	_, err = h.ChangeContact(t.Context(), account, made.ID, change("email ", "sms "), 0)
	wantCode(t, err, tidings.CodeInvalid) // nothing would be left to find it by
	other := h.newContact(t, account, "email other@example.com")
	_, err = h.ChangeContact(t.Context(), account, other.ID, change("first O", "email NEW@example.com"), 0)
	wantCode(t, err, tidings.CodeConflict)
	if c, err := h.Contact(t.Context(), account, other.ID); err != nil || c.FirstName != "" || c.Version != 1 {
		t.Errorf("a refused change left %+v, %v", c, err)
	}
}

func testChangeOfAnOlderVersionIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	c := h.newContact(t, account, "email ann@example.com")
	if _, err := h.ChangeContact(t.Context(), account, c.ID, change("first A"), 1); err != nil {
		t.Fatal(err)
	}
	_, err := h.ChangeContact(t.Context(), account, c.ID, change("first B"), 1)
	wantCode(t, err, tidings.CodeConflict)
}

func testChangedSubscriptionsAreAnActivity(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	c := h.newContact(t, account, "email ann@example.com", "external c-1", "subscriptions NEWS")
	if _, err := h.ChangeContact(t.Context(), account, c.ID, change("subscriptions NEWS", "first Ann"), 0); err != nil {
		t.Fatal(err)
	}
	if head, _ := h.Head(t.Context(), account); head != 0 {
		t.Fatalf("the same subscriptions made %d activities", head)
	}
	h.clock.advance(40 * 24 * time.Hour) // into a month that has no table yet
	if _, err := h.ChangeContact(t.Context(), account, c.ID, change("subscriptions TABLETS LAPTOPS"), 0); err != nil {
		t.Fatal(err)
	}
	outcomes, err := h.ImportContacts(t.Context(), account, []tidings.ContactChange{
		change("email ann@example.com", "subscriptions "), change("sms 380671234567", "subscriptions X"), change("sms 380671234567", "subscriptions Y"),
	}, tidings.MatchAny)
	if err != nil || slices.ContainsFunc(outcomes, outcomeFailed) {
		t.Fatal(outcomes, err)
	}
	page, err := h.Read(t.Context(), tidings.ReadQuery{Account: account, MaxItems: 10, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var wires []string
	for _, chunk := range page.Chunks {
		for i := range chunk.Len() {
			wire := string(chunk.Wire(i))
			wires = append(wires, wire[:strings.Index(wire, `,"iid"`)])
		}
	}
	at := h.clock.Now().Format(tidings.DateTimeLayout)
	want := []string{
		fmt.Sprintf(`{"activityDateTime":"%s","activityStatus":"SUBSCRIPTION_CHANGED","contactId":1,"email":"ann@example.com","externalCustomerId":"c-1","mediaType":"email","statusData":{"subscription":{"subscriptions":["LAPTOPS","TABLETS"]}}`, at),
		fmt.Sprintf(`{"activityDateTime":"%s","activityStatus":"SUBSCRIPTION_CHANGED","contactId":1,"email":"ann@example.com","externalCustomerId":"c-1","mediaType":"email","statusData":{"subscription":{"subscriptions":[]}}`, at),
		fmt.Sprintf(`{"activityDateTime":"%s","activityStatus":"SUBSCRIPTION_CHANGED","contactId":2,"mediaType":"sms","sms":"380671234567","statusData":{"subscription":{"subscriptions":["Y"]}}`, at),
	}
	if diff := cmp.Diff(want, wires); diff != "" {
		t.Errorf("the feed (-want +got):\n%s", diff)
	}
	h.reopen(t)
	if head, err := h.Head(t.Context(), account); err != nil || head != 3 {
		t.Errorf("after reopening the head is %d, %v", head, err)
	}
}

func testAddressGivenUpIsFree(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	one := h.newContact(t, account, "email one@example.com", "external 1")
	two := h.newContact(t, account, "email two@example.com", "external 2")
	// In one commit: the first gives its address up, the second takes it.
	outcomes, err := h.ImportContacts(t.Context(), account, []tidings.ContactChange{
		change("external 1", "email three@example.com"), change("external 2", "email one@example.com"), change("external 3", "email two@example.com"),
	}, tidings.MatchExternalID)
	if err != nil || slices.ContainsFunc(outcomes, outcomeFailed) {
		t.Fatal(outcomes, err)
	}
	for email, want := range map[string]tidings.ContactID{"three@example.com": one.ID, "one@example.com": two.ID, "two@example.com": 3} {
		if c, err := h.FindContact(t.Context(), account, tidings.MatchEmail, email); err != nil || c.ID != want {
			t.Errorf("%s is of contact %d, %v; want %d", email, c.ID, err, want)
		}
	}
}

func testDeletedContactLeavesNothing(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	c := h.newContact(t, account, "email ann@example.com", "first Ann", "external c-1")
	list := h.newSegment(t, account, "list", nil)
	if _, _, err := h.AddMembers(t.Context(), account, list.ID, []tidings.ContactID{c.ID}); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteContact(t.Context(), account, c.ID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.DeleteContact(t.Context(), account, c.ID), tidings.CodeNotFound)
	if n, err := h.CountMembers(t.Context(), account, list.ID); err != nil || n != 0 {
		t.Errorf("still on the list: %d, %v", n, err)
	}
	for _, q := range []string{"ann", "ann@", "c-1", "1"} {
		if found, err := h.SearchContacts(t.Context(), account, q, 10); err != nil || len(found) != 0 {
			t.Errorf("%q finds %v, %v", q, found, err)
		}
	}
	if again := h.newContact(t, account, "email ann@example.com", "external c-1"); again.ID == c.ID {
		t.Errorf("the id %d came again", c.ID)
	}
}

func testCallsOfADeletedContactAreNobodys(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann, bo := h.newContact(t, account, "email ann@example.com"), h.newContact(t, account, "email bo@example.com")
	const calls = 120 // more than one transaction erases
	for i := range calls {
		c := h.fullCall(account)
		c.Contact, c.Request.URL = ann.ID, "https://crm.example/ann@example.com?email=ann@example.com"
		c.Request.Body, c.Error, c.Tries[0].Error = "ann@example.com", "answered 503: ann@example.com", "ann@example.com"
		c.Reply.Body, c.Reply.Headers[0].Value = []byte("ann@example.com"), "ann@example.com"
		if i == 0 {
			c.Contact = bo.ID
		}
		h.appendCall(t, c)
	}
	if err := h.DeleteContact(t.Context(), account, ann.ID); err != nil {
		t.Fatal(err)
	}
	left, _, err := h.Calls(t.Context(), tidings.CallQuery{Account: account, Limit: 2 * calls})
	if err != nil || len(left) != calls {
		t.Fatalf("%d calls, %v", len(left), err)
	}
	for _, c := range left {
		if got := fmt.Sprintf("%+v %+v %s", c, c.Reply, c.Reply.Body); strings.Contains(got, "ann@") != (c.Contact == bo.ID) {
			t.Fatalf("the call %d is %s", c.ID, got)
		}
		if c.Contact == ann.ID || c.Outcome != tidings.OutcomeStatus || c.Error == "" || len(c.Tries) != 2 || c.Reply.Status != 503 || !strings.HasPrefix(c.Request.URL, "https://crm.example") {
			t.Errorf("of the call %d only %+v is left", c.ID, c)
		}
	}
	if of, _, err := h.Calls(t.Context(), tidings.CallQuery{Account: account, Contact: ann.ID, Limit: 1}); err != nil || len(of) != 0 {
		t.Errorf("calls of nobody: %v, %v", of, err)
	}
}

func testBlacklistIsOfTheAddress(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "shop").ID, h.newAccount(t, "other").ID
	c := h.newContact(t, account, "email Ann@example.com", "sms 380671234567")
	same := h.newContact(t, other, "email ann@example.com")
	bounced := []tidings.Channel{{Type: tidings.Email, Value: "ann@EXAMPLE.com"}}
	if n, err := h.AddToBlacklist(t.Context(), account, bounced, "bounced"); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if n, err := h.AddToBlacklist(t.Context(), account, bounced, "again"); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if got, err := h.Contact(t.Context(), account, c.ID); err != nil || !got.Channels[0].Blacklisted || got.Channels[1].Blacklisted {
		t.Errorf("%+v, %v", got.Channels, err)
	}
	if got, err := h.Contact(t.Context(), other, same.ID); err != nil || got.Channels[0].Blacklisted {
		t.Errorf("another account's: %+v, %v", got.Channels, err)
	}
	if err := h.DeleteContact(t.Context(), account, c.ID); err != nil {
		t.Fatal(err)
	}
	if again := h.newContact(t, account, "email ann@example.com"); !again.Channels[0].Blacklisted {
		t.Error("the address is forgotten with its contact")
	}
	entries, err := h.Blacklist(t.Context(), account, 0, 10)
	want := []tidings.BlacklistEntry{{ID: 1, Account: account, Channel: tidings.Channel{Type: tidings.Email, Value: "ann@example.com", Blacklisted: true}, Reason: "bounced", CreatedAt: h.clock.Now()}}
	if diff := cmp.Diff(want, entries); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if n, err := h.RemoveFromBlacklist(t.Context(), account, bounced); err != nil || n != 1 {
		t.Errorf("removed %d, %v", n, err)
	}
	if entries, err := h.Blacklist(t.Context(), account, 0, 10); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func testFieldGoesWithItsValues(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.newField(t, account, "SHOP.BONUS", tidings.FieldNumber)
	_, err := h.CreateField(t.Context(), tidings.Field{Account: account, Key: "SHOP.BONUS", Type: tidings.FieldText}, "key 1 (first)")
	wantCode(t, err, tidings.CodeConflict)
	ch := change("email ann@example.com")
	ch.Fields = []tidings.ContactField{{Key: "SHOP.BONUS", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: "12"}}}
	c, err := h.CreateContact(t.Context(), account, ch)
	if err != nil || len(c.Fields) != 1 {
		t.Fatal(c.Fields, err)
	}
	naming := h.newSegment(t, account, "rich", &tidings.Condition{Field: "shop.bonus", Op: tidings.IsSet})
	wantCode(t, h.DeleteField(t.Context(), account, "SHOP.BONUS", "key 1 (first)"), tidings.CodeConflict)
	if err := h.DeleteSegment(t.Context(), account, naming.ID, "key 1 (first)"); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteField(t.Context(), account, "SHOP.BONUS", "key 1 (first)"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.DeleteField(t.Context(), account, "SHOP.BONUS", "key 1 (first)"), tidings.CodeNotFound)
	h.newField(t, account, "SHOP.BONUS", tidings.FieldText)
	if c, err = h.Contact(t.Context(), account, c.ID); err != nil || len(c.Fields) != 0 {
		t.Errorf("the new field shows the values of the old: %v, %v", c.Fields, err)
	}
	if err := h.RenameField(t.Context(), account, "SHOP.BONUS", "Bonus", "key 1 (first)"); err != nil {
		t.Error(err)
	}
	fields, err := h.Fields(t.Context(), account)
	if err != nil || len(fields) != 1 || fields[0].Name != "Bonus" || fields[0].Type != tidings.FieldText {
		t.Errorf("%+v, %v", fields, err)
	}
}

func testContactsSurviveReopening(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	var made []tidings.Contact
	for i := range 5 {
		made = append(made, h.newContact(t, account, fmt.Sprintf("email c%d@example.com", i), "first Ann", "subscriptions A B"))
	}
	h.reopen(t)
	var got []tidings.Contact
	for after := tidings.ContactID(0); ; {
		page, err := h.Contacts(t.Context(), account, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1].ID
	}
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("(-made +got):\n%s", diff)
	}
	if found, err := h.SearchContacts(t.Context(), account, "an", 10); err != nil || len(found) != 5 {
		t.Errorf("search finds %d, %v", len(found), err)
	}
}
