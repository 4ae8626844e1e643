package message

import (
	"strings"
	"testing"
)

func testVERP() VERP {
	return VERP{Domain: "bounces.shop.example", Keys: []VERPKey{{ID: 'b', Secret: []byte("the secret of today")}, {ID: 'a', Secret: []byte("the secret before")}}}
}

func TestReturnPathsLeadBackToTheirMail(t *testing.T) {
	v := testVERP()
	for _, mail := range []int64{1, 42, 1 << 40, 1<<63 - 1} {
		address := v.Address(mail)
		local, _, _ := strings.Cut(address, "@")
		if len(local) > 64 {
			t.Errorf("%s: the local part has %d bytes; RFC 5321 allows 64", address, len(local))
		}
		for _, as := range []string{address, strings.ToUpper(address), strings.ToLower(address), address + "."} {
			if got, ok := v.Parse(as); !ok || got != mail {
				t.Errorf("Parse(%q) = %d, %v; want %d", as, got, ok, mail)
			}
		}
		for _, as := range []string{v.MessageID(mail), "<" + v.MessageID(mail) + ">", strings.ToUpper(v.MessageID(mail))} {
			if got, ok := v.ParseMessageID(as); !ok || got != mail {
				t.Errorf("ParseMessageID(%q) = %d, %v; want %d", as, got, ok, mail)
			}
		}
	}
	// Mails under way must stay known to later versions.
	if got := v.Address(7); got != "bounce+7.bxhfyfzas5dswl76v@bounces.shop.example" {
		t.Errorf("Address(7) = %s: it has changed", got)
	}
	if got := v.MessageID(7); got != "7.bh5zhqeoajwtkawtb@bounces.shop.example" {
		t.Errorf("MessageID(7) = %s: it has changed", got)
	}
}

func TestAnOldKeyStillVerifiesAndTheFirstOneSigns(t *testing.T) {
	v := testVERP()
	before := VERP{Domain: v.Domain, Keys: v.Keys[1:]}
	if mail, ok := v.Parse(before.Address(5)); !ok || mail != 5 {
		t.Error("an address of the old key is refused")
	}
	if _, ok := before.Parse(v.Address(5)); ok {
		t.Error("an address of an unknown key is taken")
	}
}

func TestForgedReturnPathsAreRefused(t *testing.T) {
	v := testVERP()
	good := v.Address(5)
	mac := good[strings.Index(good, ".")+1 : strings.Index(good, "@")]
	other := VERP{Domain: v.Domain, Keys: []VERPKey{{ID: 'b', Secret: []byte("another secret")}}}
	for _, address := range []string{
		"", "@", "bounce@bounces.shop.example", "bounce+@bounces.shop.example", "bounce+5@bounces.shop.example",
		strings.Replace(good, "+5.", "+6.", 1),
		strings.Replace(good, "+5.", "+05.", 1),
		strings.Replace(good, "+5.", "+-5.", 1),
		strings.Replace(good, "+5.", "+99999999999999999999.", 1),
		strings.Replace(good, "bounce+", "bounces+", 1),
		strings.Replace(good, "bounces.shop", "bounces.other", 1),
		strings.Replace(good, mac, mac[:16], 1),
		strings.Replace(good, mac, "c"+mac[1:], 1),
		strings.Replace(good, mac, "baaaaaaaaaaaaaaaa", 1),
		"bounce+" + v.MessageID(5), // the MAC of a Message-ID does not do
		other.Address(5),
	} {
		if mail, ok := v.Parse(address); ok {
			t.Errorf("%q is taken as mail %d", address, mail)
		}
	}
	if _, ok := v.ParseMessageID(strings.TrimPrefix(good, "bounce+")); ok {
		t.Error("the MAC of a return path does for a Message-ID")
	}
}

func FuzzVERP(f *testing.F) {
	v := testVERP()
	f.Add(v.Address(5))
	f.Add("bounce+5.baaaaaaaaaaaaaaaa@bounces.shop.example")
	f.Fuzz(func(t *testing.T, address string) {
		if mail, ok := v.Parse(address); ok && !strings.EqualFold(strings.TrimSuffix(address, "."), v.Address(mail)) {
			before := VERP{Domain: v.Domain, Keys: v.Keys[1:]}
			if !strings.EqualFold(strings.TrimSuffix(address, "."), before.Address(mail)) {
				t.Fatalf("%q is taken as mail %d", address, mail)
			}
		}
	})
}
