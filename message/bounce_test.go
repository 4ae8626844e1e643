package message

import "testing"

func TestOnlyAddressesThatDoNotExistArePermanent(t *testing.T) {
	for _, c := range []struct {
		status, said string
		want         verdict
	}{
		{"5.1.1", "", verdict{"5.1.1", ReportBounced, true}},
		{"5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound", verdict{"5.1.10", ReportBounced, true}},
		{"5.2.1", "smtp;550 5.2.1 disabled", verdict{"5.2.1", ReportBounced, true}},
		{"5.2.2", "smtp;552 5.2.2 mailbox full", verdict{"5.2.2", ReportBounced, false}},
		{"5.7.1", "smtp;550 5.7.1 user unknown", verdict{"5.7.1", ReportBounced, false}},
		{"5.7.26", "smtp;550 5.7.26 unauthenticated", verdict{"5.7.26", ReportBounced, false}},
		{"5.6.0", "", verdict{"5.6.0", ReportBounced, false}},
		{"5.1.8", "smtp;550 5.1.8 sender domain does not exist", verdict{"5.1.8", ReportBounced, false}},
		{"4.2.2", "smtp;452 4.2.2 over quota", verdict{"4.2.2", ReportDelayed, false}},
		{"4.4.1", "no answer from 5.1.1.7", verdict{"4.4.1", ReportDelayed, false}},
		{"5.0.0", "smtp;550 5.1.1 unknown", verdict{"5.1.1", ReportBounced, true}},
		{"5.0.0", "smtp;550 No such user here", verdict{"5.0.0", ReportBounced, true}},
		{"5.0.0", "smtp;550 Message refused", verdict{"5.0.0", ReportBounced, false}},
		{"5.5.0", "smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", verdict{"5.5.0", ReportBounced, true}},
		{"5.4.1", "smtp;550 5.4.1 Recipient address rejected: Access denied.", verdict{"5.4.1", ReportBounced, true}},
		{"5.4.1", "smtp;550 5.4.1 no answer from host", verdict{"5.4.1", ReportBounced, false}},
		{"4.0.0", "smtp;550 5.1.1 unknown", verdict{"4.0.0", ReportDelayed, false}}, // they don't agree: the reporter tries on
		{"", "smtp;550 User unknown", verdict{"", ReportBounced, true}},
		{"", "smtp;550 spam: the recipient does not exist", verdict{"", ReportBounced, false}},
		{"", "smtp;450 try again", verdict{"", ReportDelayed, false}},
		{"2.0.0", "", verdict{"2.0.0", ReportIgnored, false}},
		{"", "", verdict{"", ReportIgnored, false}},
		{"", "Exim 5.1.1.9 on port 550", verdict{"", ReportIgnored, false}},
	} {
		if got := judge(c.status, c.said); got != c.want {
			t.Errorf("judge(%q, %q) = %+v, want %+v", c.status, c.said, got, c.want)
		}
	}
}

func TestDiagnosticCodesReadAsTheSeedWritesThem(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"smtp;554 5.7.1 Spam message rejected; If this is not spam contact abuse", "smtp;554 5.7.1 Spam message rejected; If this is not spam contact abuse"},
		{"SMTP; 550  5.1.1   User\tunknown", "smtp;550 5.1.1 User unknown"},
		{"smtp; 550-5.1.1 The account 550-5.1.1 does not exist. 550 5.1.1 Bye", "smtp;550 5.1.1 The account does not exist. Bye"},
		{"smtp; 550-Requested action 550-not taken: 550 mailbox unavailable", "smtp;550 Requested action not taken: mailbox unavailable"},
		{"smtp; 550 5.1.1 five 550 five", "smtp;550 5.1.1 five 550 five"},
		{"X-Postfix; connect to mx[192.0.2.1]:25: Connection refused", "x-postfix;connect to mx[192.0.2.1]:25: Connection refused"},
		{"550 5.1.1 no type before it; here", "smtp;550 5.1.1 no type before it; here"},
		{"smtp;", ""},
		{"", ""},
	} {
		if got := describeDiagnostic(c.value); got != c.want {
			t.Errorf("describeDiagnostic(%q) = %q, want %q", c.value, got, c.want)
		}
	}
}

func TestXtextIsUndoneAndPlusAddressesStay(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"rfc822;bob@mail.example.org", "bob@mail.example.org"},
		{"rfc822; bob+2Bshop@mail.example.org", "bob+shop@mail.example.org"},
		{"rfc822; bob+3Dx@mail.example.org", "bob=x@mail.example.org"},
		{"rfc822; bob+42@mail.example.org", "bob+42@mail.example.org"}, // +42 is B, which nobody encodes
		{"rfc822; <bob@mail.example.org>", "bob@mail.example.org"},
	} {
		if got := dsnAddress(c.value, true); got != c.want {
			t.Errorf("dsnAddress(%q) = %q, want %q", c.value, got, c.want)
		}
	}
}
