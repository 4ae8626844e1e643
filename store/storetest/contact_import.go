package storetest

import (
	"fmt"
	"slices"
	"testing"

	"tidings"
)

func outcomeFailed(o tidings.ContactOutcome) bool { return o.Err != nil }

func testUpsertFindsByTheFirstThatIsKnown(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	one := h.newContact(t, account, "external 1", "email one@example.com").ID
	two := h.newContact(t, account, "sms 380671234567", "email two@example.com").ID
	for _, c := range []struct {
		name string
		ch   tidings.ContactChange
		by   tidings.MatchBy
		want tidings.ContactID // 0 = a new one
		code tidings.Code
	}{
		{"by email", change("email ONE@example.com", "first A"), tidings.MatchAny, one, ""},
		{"the external id comes first", change("external 1", "town X"), tidings.MatchAny, one, ""},
		{"the phone comes last", change("sms 380671234567", "town X"), tidings.MatchAny, two, ""},
		{"an unknown id, a known email", change("external 2", "email two@example.com"), tidings.MatchAny, two, ""},
		{"a known id, another's email", change("external 1", "email two@example.com"), tidings.MatchAny, 0, tidings.CodeConflict},
		{"by email only, another's id", change("external 2", "email one@example.com"), tidings.MatchEmail, 0, tidings.CodeConflict},
		{"by email only, none given", change("external 9"), tidings.MatchEmail, 0, tidings.CodeInvalid},
		{"by phone only", change("sms 380671234567", "first B"), tidings.MatchSMS, two, ""},
		{"by external id only, a new one", change("external 7", "email seven@example.com"), tidings.MatchExternalID, 0, ""},
		{"by id", tidings.ContactChange{ID: two, FirstName: text("C")}, tidings.MatchID, two, ""},
		{"by id, none given", change("email one@example.com"), tidings.MatchID, 0, tidings.CodeInvalid},
		{"by an id that is not there", tidings.ContactChange{ID: 99, Email: text("x@example.com")}, tidings.MatchAny, 0, tidings.CodeNotFound},
		{"nothing to find it by", change("first D"), tidings.MatchAny, 0, tidings.CodeInvalid},
	} {
		contact, outcome, err := h.UpsertContact(t.Context(), account, c.ch, c.by)
		if tidings.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %q", c.name, err, c.code)
			continue
		}
		if c.code == "" && (outcome.Created != (c.want == 0) || c.want != 0 && contact.ID != c.want) {
			t.Errorf("%s: contact %d, created %t; want %d", c.name, contact.ID, outcome.Created, c.want)
		}
	}
}

// rows makes the changes of an import, many enough for the statements that
// store several keys at once.
func rows(n int) []tidings.ContactChange {
	changes := make([]tidings.ContactChange, n)
	for i := range changes {
		changes[i] = change(fmt.Sprintf("external c-%d", i), fmt.Sprintf("email c%d@example.com", i), fmt.Sprintf("sms 38067%07d", i), "first Ann")
	}
	return changes
}

func testImportGoesOnAfterABadRow(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.newContact(t, account, "external z", "email c40@example.com")
	changes := rows(100)
	changes[3] = change("first Nobody")
	outcomes, err := h.ImportContacts(t.Context(), account, changes, tidings.MatchExternalID)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		want := tidings.Code("")
		switch i {
		case 3:
			want = tidings.CodeInvalid
		case 40:
			want = tidings.CodeConflict
		}
		if tidings.CodeOf(o.Err) != want || o.Created != (want == "") {
			t.Errorf("row %d: %+v, want code %q", i, o, want)
		}
	}
	if found, err := h.SearchContacts(t.Context(), account, "c", 200); err != nil || len(found) != 99 {
		t.Errorf("%d contacts are found, %v", len(found), err)
	}
}

func testImportRepeatedChangesNothing(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	for round := range 2 {
		outcomes, err := h.ImportContacts(t.Context(), account, rows(50), tidings.MatchAny)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(outcomes, func(o tidings.ContactOutcome) bool {
			return o.Err != nil || o.Created != (round == 0) || o.Changed != (round == 0)
		}) {
			t.Errorf("round %d: %+v", round, outcomes)
		}
	}
	page, err := h.Contacts(t.Context(), account, 0, 100)
	if err != nil || len(page) != 50 || page[49].Version != 1 {
		t.Errorf("%d contacts, %v", len(page), err)
	}
}

func testImportMakesOneContactOfRowsOfOne(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	outcomes, err := h.ImportContacts(t.Context(), account, []tidings.ContactChange{
		change("email ann@example.com", "first Ann"), change("email ANN@example.com", "sms 380671234567", "last Lee"), change("sms 380671234567", "first Anna"),
	}, tidings.MatchAny)
	if err != nil || slices.ContainsFunc(outcomes, outcomeFailed) {
		t.Fatal(outcomes, err)
	}
	contacts, err := h.Contacts(t.Context(), account, 0, 10)
	if err != nil || len(contacts) != 1 || contacts[0].FirstName != "Anna" || contacts[0].LastName != "Lee" || contacts[0].Channel(tidings.SMS) != "380671234567" {
		t.Errorf("%+v, %v", contacts, err)
	}
	for _, q := range []string{"anna lee", "lee an"} {
		if found, err := h.SearchContacts(t.Context(), account, q, 10); err != nil || len(found) != 1 {
			t.Errorf("%q finds %d, %v", q, len(found), err)
		}
	}
}

// found gives the ids that a search finds.
func (h *harness) found(t *testing.T, account tidings.AccountID, q string) []tidings.ContactID {
	t.Helper()
	contacts, err := h.SearchContacts(t.Context(), account, q, 10)
	if err != nil {
		t.Fatalf("%q: %v", q, err)
	}
	ids := []tidings.ContactID{}
	for _, c := range contacts {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

func testSearchFindsByEveryBeginning(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.newContact(t, account, "first Ann", "last Smith-Jones", "email ann.smith@example.com", "external Cust-77")
	h.newContact(t, account, "first Zoë", "last Ångström", "email z@example.com", "sms 380671234567")
	h.newContact(t, account, "first Олена", "last О'Коннор", "email olena@example.com")
	for i := range 9 {
		h.newContact(t, account, fmt.Sprintf("external x%d", i))
	}
	for q, want := range map[string][]tidings.ContactID{
		"ann": {1}, "ANN.SM": {1}, "smi": {1}, "jones ann": {1}, "an jo": {1}, "ann zoe": {}, "zoe": {2}, "Zoë": {2}, "angs": {2}, "  zo  an ": {2},
		"+380 (67) 123": {2}, "38067": {2}, "cust-7": {}, "Cust-7": {1}, "олен": {3}, "ОЛЕНА о": {3}, "конн": {3}, "o": {3}, "о'кон": {3},
		"1": {1, 10, 11, 12}, "12": {12}, "0": {}, "": {}, "   ": {}, "%": {}, `"`: {}, "ann*": {1}, "NOT ann": {}, "ann OR zoe": {}, "\uE0001": {}, "ith": {}, "q": {},
	} {
		if got := h.found(t, account, q); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", q, got, want)
		}
	}
}

func testSearchStaysWithinTheAccount(t *testing.T, h *harness) {
	one, two := h.newAccount(t, "one").ID, h.newAccount(t, "two").ID
	mine := h.newContact(t, one, "first Ann", "email ann@example.com", "sms 380671234567", "external c")
	h.newContact(t, two, "first Ann", "email ann@example.com", "sms 380671234567", "external c")
	for _, q := range []string{"ann", "ann@", "38067", "c", "1", "2"} {
		if got := h.found(t, one, q); len(got) > 1 || len(got) == 1 && got[0] != mine.ID {
			t.Errorf("%q finds %v", q, got)
		}
	}
}

func testSearchFollowsChanges(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	c := h.newContact(t, account, "first Ann", "email old@example.com")
	if _, err := h.ChangeContact(t.Context(), account, c.ID, change("first Bella", "email new@example.com"), 0); err != nil {
		t.Fatal(err)
	}
	for q, n := range map[string]int{"ann": 0, "bel": 1, "old@": 0, "new@": 1} {
		if got := h.found(t, account, q); len(got) != n {
			t.Errorf("%q finds %v", q, got)
		}
	}
	if _, err := h.ChangeContact(t.Context(), account, c.ID, change("first "), 0); err != nil {
		t.Fatal(err)
	}
	if got := h.found(t, account, "bel"); len(got) != 0 {
		t.Errorf("a name that is gone finds %v", got)
	}
}
