package e2e_test

import "testing"

// chosenFile has the page's file field hold people.csv: 20,000 contacts whose
// names go over two lines, so that it is cut into pieces between rows only, and
// a row that is wrong.
const chosenFile = `(() => {
	const rows = ["EMAIL,FIRSTNAME"];
	for (let i = 0; i < 20000; i++) rows.push("person-of-the-shop-" + i + "@example.com,\"A long name, so that\n" + i + " are many bytes, \"\"quoted\"\"\"");
	rows.push("wrong,x", "");
	const data = new DataTransfer(), field = document.querySelector("[type=file]");
	data.items.add(new File([rows.join("\n")], "people.csv"));
	field.files = data.files;
	field.dispatchEvent(new Event("change", {bubbles: true}));
	return true;
})()`

// TestAFileOfContactsIsImportedPieceByPiece chooses a file, sees what its
// columns mean, and sends it.
func TestAFileOfContactsIsImportedPieceByPiece(t *testing.T) {
	s := newServer(t)
	s.newAccount(t, "Acme")
	p := s.person(t, 1, "editor")
	p.Go("/")
	p.Within("navigation", "Main").Click("Contacts")
	p.Click("Import contacts")
	var chosen bool
	p.Eval(chosenFile, &chosen)
	p.Sees("standard field EMAIL", "person-of-the-shop-0@example.com")
	p.Accessible()
	p.Click("Import")
	p.Sees("20,001 rows: 20,000 created, 0 changed, 0 were so already, 1 refused.", "Refused rows", "40,002", "must be an email address")
	p.Accessible()
	p.Click("Show the contacts")
	p.Sees("person-of-the-shop-0@example.com", "50 contacts shown")
}

// TestASegmentIsMadeOfAConditionAndAContactIsPutOnAList goes by the keys and
// fields that a person sees, on pages that are loaded in place.
func TestASegmentIsMadeOfAConditionAndAContactIsPutOnAList(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "Acme")
	account.subscribers(t, "anna@example.com", "test@gmail.com")
	account.make(t, "/v1/segments", map[string]any{"name": "Friends"})
	p := s.person(t, 1, "editor")
	p.Go("/")
	p.Within("navigation", "Main").Click("Segments")
	p.Click("New segment")
	p.Fill("Name", "Of Gmail")
	p.Click("Add a group")
	p.Click("Remove group 2")
	p.Choose("Field of row 1", "EMAIL")
	p.Choose("Comparison of row 1", "ends with")
	p.Fill("Compared value of row 1", "@gmail.com")
	p.Click("Show who is found")
	p.Sees("1 contact now", "test@gmail.com")
	p.Accessible()
	p.Click("Create the segment")
	p.Sees("Created: Of Gmail.", "EMAIL ends with @gmail.com")
	p.Within("navigation", "Main").Click("Segments")
	p.Click("Friends")
	p.Click("Add a contact")
	p.Fill("Contact", "anna")
	p.ClickThe("option", "anna@example.com")
	p.Click("Show the contact's card")
	p.Sees("Open the contact")
	p.Click("Close")
	p.Click("Add to the list")
	p.Sees("is on the list now.")
}
