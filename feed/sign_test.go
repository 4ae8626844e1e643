package feed

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tidings"
)

// verifies asks the library of the Standard Webhooks project.
func verifies(t *testing.T, secret string, h http.Header, body []byte) bool {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return wh.VerifyIgnoringTimestamp(body, h) == nil
}

func TestSignaturesVerifyWithTheIndependentLibrary(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	newest, older, expired := NewSecret(), NewSecret(), NewSecret()
	secrets := []tidings.Secret{
		{Value: newest},
		{Value: older, ExpiresAt: now.Add(time.Second)},
		{Value: expired, ExpiresAt: now},
	}
	body := [][]byte{[]byte("["), []byte(`{"a":1}`), []byte("]")}
	signature, err := sign(secrets, "b_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(signature)); n != 2 {
		t.Errorf("%d signatures: %q", n, signature)
	}
	h := http.Header{}
	h.Set("webhook-id", "b_1")
	h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("webhook-signature", signature)
	whole := bytes.Join(body, nil)
	if !verifies(t, newest, h, whole) || !verifies(t, older, h, whole) {
		t.Error("a receiver with one of the two secrets can't verify")
	}
	if verifies(t, expired, h, whole) || verifies(t, newest, h, append(whole, ' ')) {
		t.Error("what should not verify does")
	}
}

func TestNothingIsSignedByHalf(t *testing.T) {
	now := time.Now()
	for name, secrets := range map[string][]tidings.Secret{
		"unreadable":                {{Value: "whsec_?"}},
		"the older one unreadable":  {{Value: NewSecret()}, {Value: "x"}},
		"the only one past its end": {{Value: NewSecret(), ExpiresAt: now.Add(-1)}},
	} {
		if got, err := sign(secrets, "b_1", now, nil); err == nil {
			t.Errorf("%s: signed %q", name, got)
		}
	}
	if got, err := sign(nil, "b_1", now, nil); got != "" || err != nil {
		t.Errorf("without a secret: %q, %v", got, err)
	}
}

func TestNewSecretsAreValidAndDiffer(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	if a == b || CheckSecret(a) != "" || CheckSecret(b) != "" {
		t.Errorf("%q (%s), %q (%s)", a, CheckSecret(a), b, CheckSecret(b))
	}
}

func TestCheckSecretSaysWhatIsWrong(t *testing.T) {
	of := func(n int) string { return secretPrefix + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	tests := []struct{ secret, reason string }{
		{of(24), ""},
		{of(64), ""},
		{of(23), "has 23 bytes"},
		{of(65), "has 65 bytes"},
		{"", "does not begin with whsec_"},
		{"WHSEC_" + of(24)[6:], "does not begin with whsec_"},
		{"whsec_not base64", "is not base64"},
	}
	for _, tt := range tests {
		if got := CheckSecret(tt.secret); (got == "") != (tt.reason == "") || !strings.Contains(got, tt.reason) {
			t.Errorf("CheckSecret(%q) = %q, want %q", tt.secret, got, tt.reason)
		}
	}
}
