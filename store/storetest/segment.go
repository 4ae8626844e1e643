package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidings"
)

func segmentPromises() []promise {
	return []promise{
		{"ListHasWhoWasPutOnIt", testListHasWhoWasPutOnIt},
		{"ConditionHoldsOfContactsAsTheyAreNow", testConditionHoldsOfContactsAsTheyAreNow},
		{"ContactKnowsItsSegments", testContactKnowsItsSegments},
		{"MembersArePaged", testMembersArePaged},
		{"SegmentOfAnotherAccountIsNotThere", testSegmentOfAnotherAccountIsNotThere},
		{"SegmentIsChangedByItsVersion", testSegmentIsChangedByItsVersion},
		{"SegmentsAndFieldsLeaveAuditRecords", testSegmentsAndFieldsLeaveAuditRecords},
	}
}

func (h *harness) newSegment(t testing.TB, account tidings.AccountID, name string, c *tidings.Condition) tidings.Segment {
	t.Helper()
	g, err := h.CreateSegment(t.Context(), tidings.Segment{Account: account, Name: name, Condition: c}, "key 1 (first)")
	if err != nil {
		t.Fatalf("CreateSegment: %v", err)
	}
	return g
}

// members gives the ids of all members, read page by page.
func (h *harness) members(t *testing.T, g tidings.Segment, limit int) []tidings.ContactID {
	t.Helper()
	ids := []tidings.ContactID{}
	for after := tidings.ContactID(0); ; {
		page, err := h.Members(t.Context(), g.Account, g.ID, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Contacts) > limit {
			t.Fatalf("a page of %d has %d", limit, len(page.Contacts))
		}
		for _, c := range page.Contacts {
			ids = append(ids, c.ID)
		}
		if after = page.Next; after == 0 {
			return ids
		}
	}
}

func testContactKnowsItsSegments(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "shop").ID, h.newAccount(t, "other").ID
	a, b := h.newContact(t, account, "external a"), h.newContact(t, account, "external b")
	on := h.newSegment(t, account, "on", nil)
	off := h.newSegment(t, account, "off", nil)
	is := h.newSegment(t, account, "is", &tidings.Condition{Field: "EXTERNAL_CUSTOMER_ID", Op: tidings.Equals, Values: []string{"a"}})
	h.newSegment(t, account, "is not", &tidings.Condition{Field: "TOWN", Op: tidings.IsSet})
	if _, _, err := h.AddMembers(t.Context(), account, on.ID, []tidings.ContactID{a.ID}); err != nil {
		t.Fatal(err)
	}
	var got []tidings.SegmentID
	segments, err := h.SegmentsOf(t.Context(), account, a.ID)
	for _, g := range segments {
		got = append(got, g.ID)
	}
	if err != nil || !slices.Equal(got, []tidings.SegmentID{on.ID, is.ID}) {
		t.Errorf("segments %v, %v", got, err)
	}
	_, err = h.SegmentsOf(t.Context(), other, a.ID)
	wantCode(t, err, tidings.CodeNotFound)
	for g, want := range map[tidings.SegmentID]int{on.ID: 1, off.ID: 0, is.ID: 1} {
		of, err := h.OfSegment(t.Context(), account, g, []tidings.Contact{b, a}, 5)
		if err != nil || len(of) != want || want == 1 && of[0].ID != a.ID {
			t.Errorf("of segment %d: %v, %v", g, of, err)
		}
	}
	if of, err := h.OfSegment(t.Context(), account, is.ID, []tidings.Contact{a, a}, 1); err != nil || len(of) != 1 {
		t.Errorf("at most one: %v, %v", of, err)
	}
	_, err = h.OfSegment(t.Context(), other, on.ID, []tidings.Contact{a}, 1)
	wantCode(t, err, tidings.CodeNotFound)
}

func testListHasWhoWasPutOnIt(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "shop").ID, h.newAccount(t, "other").ID
	a, b := h.newContact(t, account, "external a").ID, h.newContact(t, account, "external b").ID
	foreign := h.newContact(t, other, "external f").ID
	list := h.newSegment(t, account, "list", nil)
	added, missing, err := h.AddMembers(t.Context(), account, list.ID, []tidings.ContactID{b, a, b, foreign, 99})
	if err != nil || added != 2 || !slices.Equal(missing, []tidings.ContactID{foreign, 99}) {
		t.Errorf("added %d, missing %v, %v", added, missing, err)
	}
	if got := h.members(t, list, 10); !slices.Equal(got, []tidings.ContactID{a, b}) {
		t.Errorf("members %v", got)
	}
	if n, err := h.RemoveMembers(t.Context(), account, list.ID, []tidings.ContactID{a, 99}); err != nil || n != 1 {
		t.Errorf("removed %d, %v", n, err)
	}
	if n, err := h.CountMembers(t.Context(), account, list.ID); err != nil || n != 1 {
		t.Errorf("count %d, %v", n, err)
	}
	for id, want := range map[tidings.ContactID]bool{a: false, b: true} {
		if in, err := h.InSegment(t.Context(), account, list.ID, id); err != nil || in != want {
			t.Errorf("contact %d in the list: %t, %v", id, in, err)
		}
	}
	conditional := h.newSegment(t, account, "all", &tidings.Condition{Field: "EMAIL", Op: tidings.IsEmpty})
	_, _, err = h.AddMembers(t.Context(), account, conditional.ID, []tidings.ContactID{a})
	wantCode(t, err, tidings.CodeConflict)
}

func testConditionHoldsOfContactsAsTheyAreNow(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.newField(t, account, "SHOP.BONUS", tidings.FieldNumber)
	h.newField(t, account, "SHOP.LIKES", tidings.FieldList)
	bonus := func(n string) tidings.ContactField {
		return tidings.ContactField{Key: "SHOP.BONUS", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: n}}
	}
	for i, c := range []struct {
		pairs  string
		fields []tidings.ContactField
	}{
		{"email a@example.com;town Kyiv;first Ann;subscriptions NEWS", []tidings.ContactField{bonus("9")}},
		{"email b@test.org;town Lviv;sms 380671234567", []tidings.ContactField{bonus("10.0")}},
		{"external x;first ann", []tidings.ContactField{{Key: "SHOP.LIKES", Value: tidings.FieldValue{Type: tidings.FieldList, List: []string{"Tea", "coffee"}}}}},
	} {
		ch := change(strings.Split(c.pairs, ";")...)
		ch.Fields = c.fields
		if _, err := h.CreateContact(t.Context(), account, ch); err != nil {
			t.Fatal(i, err)
		}
	}
	field := func(name string, op tidings.Operator, values ...string) tidings.Condition {
		return tidings.Condition{Field: name, Op: op, Values: values}
	}
	for _, c := range []struct {
		condition tidings.Condition
		want      string
	}{
		{field("TOWN", tidings.Equals, "kyiv"), "[1]"},
		{field("city", tidings.NotEquals, "Kyiv"), "[2 3]"},
		{field("EMAIL", tidings.EndsWith, "@EXAMPLE.com"), "[1]"},
		{field("email", tidings.IsEmpty), "[3]"},
		{field("name", tidings.StartsWith, "AN"), "[1 3]"},
		{field("SMS", tidings.IsSet), "[2]"},
		{field("shop.bonus", tidings.Equals, "10"), "[2]"},
		{field("SHOP.BONUS", tidings.Greater, "9"), "[2]"},
		{field("SHOP.BONUS", tidings.Less, "1e1"), "[1]"},
		{field("SHOP.LIKES", tidings.OneOf, "x", "tea"), "[3]"},
		{field("SHOP.LIKES", tidings.Contains, "off"), "[3]"},
		{field("SUBSCRIPTIONS", tidings.Equals, "NEWS"), "[1]"},
		{field("EXTERNAL_CUSTOMER_ID", tidings.IsSet), "[3]"},
		{field("CONTACT_ID", tidings.Greater, "1"), "[2 3]"},
		{field("NO.SUCH", tidings.IsSet), "[]"},
		{tidings.Condition{All: []tidings.Condition{field("name", tidings.Equals, "ann"), field("EMAIL", tidings.IsSet)}}, "[1]"},
		{tidings.Condition{Any: []tidings.Condition{field("TOWN", tidings.Equals, "Lviv"), field("EMAIL", tidings.IsEmpty)}}, "[2 3]"},
	} {
		segment := h.newSegment(t, account, "s", &c.condition)
		if got := fmt.Sprint(h.members(t, segment, 10)); got != c.want {
			t.Errorf("%+v: members %s, want %s", c.condition, got, c.want)
		}
		n, err := h.CountMembers(t.Context(), account, segment.ID)
		if err != nil || n != int64(len(strings.Fields(strings.Trim(c.want, "[]")))) {
			t.Errorf("%+v: count %d, %v", c.condition, n, err)
		}
		in, err := h.InSegment(t.Context(), account, segment.ID, 1)
		if err != nil || in != strings.Contains(c.want, "1") {
			t.Errorf("%+v: contact 1 in it: %t, %v", c.condition, in, err)
		}
	}
	lviv := h.newSegment(t, account, "Lviv", &tidings.Condition{Field: "TOWN", Op: tidings.Equals, Values: []string{"Lviv"}})
	if _, err := h.ChangeContact(t.Context(), account, 3, change("town Lviv"), 0); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(h.members(t, lviv, 10)); got != "[2 3]" {
		t.Errorf("after the change: %s", got)
	}
}

func testMembersArePaged(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	if _, err := h.ImportContacts(t.Context(), account, rows(25), tidings.MatchAny); err != nil {
		t.Fatal(err)
	}
	all := make([]tidings.ContactID, 25)
	for i := range all {
		all[i] = tidings.ContactID(i + 1)
	}
	list := h.newSegment(t, account, "list", nil)
	if _, _, err := h.AddMembers(t.Context(), account, list.ID, all); err != nil {
		t.Fatal(err)
	}
	conditional := h.newSegment(t, account, "anns", &tidings.Condition{Field: "FIRSTNAME", Op: tidings.Equals, Values: []string{"ann"}})
	for _, g := range []tidings.Segment{list, conditional} {
		for _, limit := range []int{1, 5, 24, 25, 26} {
			if got := h.members(t, g, limit); !slices.Equal(got, all) {
				t.Errorf("%s by %d: %v", g.Name, limit, got)
			}
		}
	}
}

func testSegmentOfAnotherAccountIsNotThere(t *testing.T, h *harness) {
	one, two := h.newAccount(t, "one").ID, h.newAccount(t, "two").ID
	g := h.newSegment(t, one, "mine", nil)
	c := h.newContact(t, two, "external x").ID
	_, err := h.Segment(t.Context(), two, g.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.Members(t.Context(), two, g.ID, 0, 10)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.CountMembers(t.Context(), two, g.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, _, err = h.AddMembers(t.Context(), two, g.ID, []tidings.ContactID{c})
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.UpdateSegment(t.Context(), tidings.Segment{ID: g.ID, Account: two, Name: "x", Version: 1}, "key 2 (x)")
	wantCode(t, err, tidings.CodeNotFound)
	wantCode(t, h.DeleteSegment(t.Context(), two, g.ID, "key 2 (x)"), tidings.CodeNotFound)
	if segments, err := h.Segments(t.Context(), two); err != nil || len(segments) != 0 {
		t.Errorf("%v, %v", segments, err)
	}
}

func testSegmentIsChangedByItsVersion(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	g := h.newSegment(t, account, "a", &tidings.Condition{Field: "TOWN", Op: tidings.OneOf, Values: []string{"A", "B"}})
	g.Name, g.Condition = "b", &tidings.Condition{Any: []tidings.Condition{{Field: "TOWN", Op: tidings.IsSet}, {Field: "EMAIL", Op: tidings.Equals, Values: []string{"x"}}}}
	changed, err := h.UpdateSegment(t.Context(), g, "key 1 (first)")
	if err != nil || changed.Version != 2 {
		t.Fatal(changed, err)
	}
	got, err := h.Segment(t.Context(), account, g.ID)
	if err != nil || fmt.Sprintf("%+v", *got.Condition) != fmt.Sprintf("%+v", *g.Condition) || got.Name != "b" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = h.UpdateSegment(t.Context(), g, "key 1 (first)")
	wantCode(t, err, tidings.CodeConflict)
}

func testSegmentsAndFieldsLeaveAuditRecords(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.newField(t, account, "SHOP.BONUS", tidings.FieldNumber)
	g := h.newSegment(t, account, "rich", nil)
	if err := h.DeleteSegment(t.Context(), account, g.ID, "key 1 (first)"); err != nil {
		t.Fatal(err)
	}
	records, err := h.Audit(t.Context(), tidings.AuditQuery{Account: account, Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, r.Actor+" "+r.Action+" "+r.Detail)
	}
	want := []string{`key 1 (first) segment.delete segment 1 "rich"`, `key 1 (first) segment.create segment 1 "rich"`, `key 1 (first) field.create SHOP.BONUS, number`}
	if !slices.Equal(got, want) {
		t.Errorf("audit %q\nwant  %q", got, want)
	}
}
