package message

import (
	"strings"
	"testing"
)

func TestTheMailOfALinkIsKnownByOursOnly(t *testing.T) {
	links, err := NewLinks(LinkOptions{BaseURL: "https://mail.shop.example/x", Keys: []VERPKey{{ID: 'a', Secret: []byte("a secret of thirty-two bytes ...")}}})
	if err != nil {
		t.Fatal(err)
	}
	ours := links.Unsubscribe(42)
	if mail, ok := links.Mail(" " + ours + "\r\n"); !ok || mail != 42 {
		t.Errorf("mail %d, %v", mail, ok)
	}
	forged := ours[:len(ours)-4] + "AAAA"
	for _, link := range []string{"", "https://mail.shop.example/x", "https://mail.shop.example/x/u", forged, strings.Replace(ours, "/u/", "/v/", 1), strings.Replace(ours, "shop", "shoq", 1)} {
		if mail, ok := links.Mail(link); ok || mail != 0 {
			t.Errorf("%q is of mail %d", link, mail)
		}
	}
}
