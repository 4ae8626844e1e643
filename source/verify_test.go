package source

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"tidings"
)

func formOf(text []byte) url.Values {
	values, _ := url.ParseQuery(string(text))
	return values
}

// change is something done to a good request that makes it a bad one.
type change struct {
	name string
	do   func(*Request)
}

// refuses checks that a good request is taken, and refused after each change.
func refuses(t *testing.T, kind Kind, good func() Request, changes []change) {
	t.Helper()
	if _, err := Parse(t.Context(), kind, testSecrets(t), good()); err != nil {
		t.Fatalf("a good request: %v", err)
	}
	for _, c := range changes {
		r := good()
		c.do(&r)
		result, err := Parse(t.Context(), kind, testSecrets(t), r)
		if tidings.CodeOf(err) != tidings.CodeUnauthorized {
			t.Errorf("%s: %+v, %v", c.name, result, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows a secret: %v", c.name, err)
		}
	}
}

func header(name, value string) func(*Request) {
	return func(r *Request) { r.Header.Set(name, value) }
}

func TestSendgridIsVerifiedAsItSigns(t *testing.T) {
	body := []byte(`[{"event":"delivered","email":"bob@mail.example.org","sg_event_id":"1"}]` + "\r\n")
	at := func(signed time.Time) func(*Request) {
		return func(r *Request) { signSendgrid(t, r, signed) }
	}
	refuses(t, SendGrid, func() Request { return signed(t, SendGrid, body, false) }, []change{
		{"another body", func(r *Request) { r.Body = body[:len(body)-1] }},
		{"another timestamp", header(sendgridTimestamp, "1770127201")},
		{"no timestamp", header(sendgridTimestamp, "")},
		{"no signature", header(sendgridSignature, "")},
		{"a signature that is no base64", header(sendgridSignature, "?")},
		{"a signature that is none", header(sendgridSignature, "MEUCIQ==")},
		{"too old", at(testNow.Add(-MaxAge - time.Second))},
		{"of the future", at(testNow.Add(maxSkew + time.Second))},
	})
	r := signed(t, SendGrid, body, false)
	signSendgrid(t, &r, testNow.Add(-24*time.Hour)) // the last repeat of a day
	if _, err := Parse(t.Context(), SendGrid, testSecrets(t), r); err != nil {
		t.Errorf("a day old: %v", err)
	}
}

// TestSendgridsOwnExample is the vector of SendGrid's public client libraries.
func TestSendgridsOwnExample(t *testing.T) {
	s := Secrets{PublicKey: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA=="}
	r := Request{
		Header: http.Header{}, Now: time.Unix(1588788367, 0),
		Body: []byte(`{"category":"example_payload","event":"test_event","message_id":"message_id"}`),
	}
	r.Header.Set(sendgridTimestamp, "1588788367")
	r.Header.Set(sendgridSignature, "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=")
	if err := verifySendgrid(s, r); err != nil {
		t.Error(err)
	}
}

func TestMailgunIsVerifiedAsItSigns(t *testing.T) {
	event := []byte(`{"event":"delivered","id":"x","timestamp":1770113521,"recipient":"bob@mail.example.org"}`)
	replace := func(old, new string) func(*Request) {
		return func(r *Request) { r.Body = []byte(strings.Replace(string(r.Body), old, new, 1)) }
	}
	at := func(signed time.Time) func(*Request) {
		return func(r *Request) { r.Body = signMailgun(t, event, signed) }
	}
	refuses(t, Mailgun, func() Request { return signed(t, Mailgun, event, false) }, []change{
		{"another token", replace(`"token":"0a`, `"token":"1a`)},
		{"another timestamp", replace(`"timestamp":"17`, `"timestamp":"16`)},
		{"no signature", replace(`"signature":{`, `"signatures":{`)},
		{"a signature that is no hex", replace(`"signature":"`, `"signature":"x`)},
		{"too old", at(testNow.Add(-MaxAge - time.Second))},
		{"of the future", at(testNow.Add(maxSkew + time.Second))},
	})
}

func TestPostmarkIsTrustedByItsSecrets(t *testing.T) {
	event := []byte(`{"RecordType":"Delivery","MessageID":"1","Recipient":"bob@mail.example.org"}`)
	basic := func(pair string) func(*Request) {
		return header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	refuses(t, Postmark, func() Request { return signed(t, Postmark, event, false) }, []change{
		{"another password", basic("tidings:other")},
		{"another user", basic("other:secret of postmark")},
		{"no authorization", header("Authorization", "")},
		{"another scheme", header("Authorization", "Bearer dGlkaW5nczpzZWNyZXQgb2YgcG9zdG1hcms=")},
		{"another header", header("X-Webhook-Secret", "other")},
		{"no header", header("X-Webhook-Secret", "")},
	})
	r := signed(t, Postmark, event, false)
	r.Header.Del("Authorization")
	s := testSecrets(t)
	s.Username, s.Password = "", ""
	if _, err := Parse(t.Context(), Postmark, s, r); err != nil {
		t.Errorf("the header alone, when only it is set: %v", err)
	}
}

func TestTwilioIsVerifiedAsItSigns(t *testing.T) {
	form := []byte("MessageSid=SM1&MessageStatus=delivered&To=%2B380671234567&From=Shop")
	refuses(t, Twilio, func() Request { return signed(t, Twilio, form, true) }, []change{
		{"another parameter", func(r *Request) { r.Body = []byte(strings.Replace(string(form), "delivered", "failed", 1)) }},
		{"a parameter more", func(r *Request) { r.Body = append(r.Body, "&x=1"...) }},
		{"another URL", func(r *Request) { r.URL += "&x=1" }},
		{"no signature", header("X-Twilio-Signature", "")},
		{"another signature", header("X-Twilio-Signature", twilioMAC("another token", testURL))},
		{"a form said to be none", header("Content-Type", "text/plain")},
	})
	click, err := os.ReadFile("testdata/twilio/click.json")
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, Twilio, func() Request { return signed(t, Twilio, click, false) }, []change{
		{"another body", func(r *Request) { r.Body = append(r.Body, ' ') }},
		{"no digest", func(r *Request) {
			r.URL = testURL
			r.Header.Set("X-Twilio-Signature", twilioMAC("token-of-twilio", r.URL))
		}},
	})
	for _, spelling := range []string{strings.Replace(testURL, "tidings.example", "tidings.example:443", 1), testURL} {
		r := signed(t, Twilio, form, true)
		r.URL = spelling
		if _, err := Parse(t.Context(), Twilio, testSecrets(t), r); err != nil {
			t.Errorf("%s: %v", spelling, err)
		}
	}
}

// TestTwiliosOwnExamples are the vectors of Twilio's documentation and public client libraries.
func TestTwiliosOwnExamples(t *testing.T) {
	const location = "https://mycompany.com/myapp.php?foo=1&bar=2"
	for form, signature := range map[string]string{
		"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212": "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
		"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234":                                    "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
	} {
		r := Request{Header: http.Header{"X-Twilio-Signature": {signature}}, URL: location, Body: []byte(form), Now: testNow}
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifyTwilio(Secrets{AuthToken: "12345"}, r, u, formOf(r.Body)); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func TestNotificationsOfSNSAreVerified(t *testing.T) {
	event, err := os.ReadFile("testdata/ses/delivery.json")
	if err != nil {
		t.Fatal(err)
	}
	message := map[string]string{"Type": snsNotification, "Message": string(event), "Subject": "Amazon SES"}
	with := func(name, value string) func(*Request) {
		return func(r *Request) {
			fields := map[string]string{name: value}
			for n, v := range message {
				if n != name {
					fields[n] = v
				}
			}
			r.Body = notification(t, fields, "2")
		}
	}
	replace := func(old, new string) func(*Request) {
		return func(r *Request) { r.Body = []byte(strings.Replace(string(r.Body), old, new, 1)) }
	}
	for _, version := range []string{"1", "2"} {
		good := func() Request {
			r := signed(t, SES, event, false)
			r.Body = notification(t, message, version)
			return r
		}
		refuses(t, SES, good, []change{
			{"another message", replace("Delivery", "Complain")},
			{"another subject", replace(`"Subject":"Amazon SES"`, `"Subject":"Amazon"`)},
			{"another topic", with("TopicArn", "arn:aws:sns:eu-west-1:999999999999:theirs")},
			{"an unknown version of signatures", replace(`"SignatureVersion":"`+version, `"SignatureVersion":"3`)},
			{"no signature", replace(`"Signature":"`, `"Signature":"","x":"`)},
			{"too old", with("Timestamp", testNow.Add(-MaxAge-time.Second).Format(time.RFC3339))},
			{"of the future", with("Timestamp", testNow.Add(maxSkew+time.Second).Format(time.RFC3339))},
			{"no time", with("Timestamp", "yesterday")},
			{"a certificate of nobody", func(r *Request) {
				r.Certificate = func(context.Context, string) ([]byte, error) { return []byte("none"), nil }
			}},
			{"before the certificate is valid", func(r *Request) { r.Now = testNow.Add(-2 * time.Hour) }},
		})
	}
}

func TestCertificatesAreFetchedFromSNSOnly(t *testing.T) {
	for _, location := range []string{
		"http://sns.eu-west-1.amazonaws.com/x.pem", "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem", "https://evil.example/x.pem",
		"https://sns.eu-west-1.amazonaws.com@evil.example/x.pem", "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
		"https://sns.eu-west-1.amazonaws.com:8443/x.pem", "https://bucket.s3.amazonaws.com/x.pem", "https://sns.eu-west-1.amazonaws.com/x.txt",
		"https://sns.eu-west-1.amazonaws.com/?x=.pem", "https://sns.eu-west-1.amazonaws.com/a/../x.pem", "https://sns..amazonaws.com/x.pem",
		"https://SNS.eu-west-1.amazonaws.com\\.evil.example/x.pem", "https://sns.eu-west-1.amazonaws.com/x.pem#y", "",
	} {
		if isSNSCertificate(location) {
			t.Errorf("%s is taken", location)
		}
		r := signed(t, SES, []byte("{}"), false)
		r.Body = notification(t, map[string]string{"Type": snsNotification, "Message": "{}", "SigningCertURL": location}, "2")
		r.Certificate = func(context.Context, string) ([]byte, error) {
			t.Errorf("%s is fetched", location)
			return nil, errors.New("no")
		}
		if _, err := Parse(t.Context(), SES, testSecrets(t), r); tidings.CodeOf(err) != tidings.CodeUnauthorized {
			t.Errorf("%s: %v", location, err)
		}
	}
	for _, location := range []string{testCertificate, "https://sns.cn-north-1.amazonaws.com.cn/x.pem", "https://sns.us-gov-west-1.amazonaws.com/x.pem"} {
		if !isSNSCertificate(location) {
			t.Errorf("%s is refused", location)
		}
	}
	r := signed(t, SES, []byte("{}"), false)
	r.Certificate = func(context.Context, string) ([]byte, error) { return nil, errors.New("no network") }
	if _, err := Parse(t.Context(), SES, testSecrets(t), r); tidings.CodeOf(err) != tidings.CodeUnavailable {
		t.Errorf("without network: %v", err)
	}
}

func TestATopicsQuestionIsHandedOn(t *testing.T) {
	ask := func(location string) (Result, error) {
		r := signed(t, SES, nil, false)
		r.Body = notification(t, map[string]string{"Type": snsSubscription, "Message": "You have chosen to subscribe", "Token": "2336412f37", "SubscribeURL": location}, "1")
		return Parse(t.Context(), SES, testSecrets(t), r)
	}
	const good = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + testTopic + "&Token=2336412f37"
	result, err := ask(good)
	if err != nil || result.Confirm == nil || *result.Confirm != (Confirmation{testTopic, good}) || len(result.Activities) != 0 {
		t.Errorf("%+v, %v", result, err)
	}
	for _, location := range []string{"https://evil.example/", "http://sns.eu-west-1.amazonaws.com/", "https://169.254.169.254/"} {
		if result, err := ask(location); tidings.CodeOf(err) != tidings.CodeUnauthorized {
			t.Errorf("%s: %+v, %v", location, result, err)
		}
	}
	r := signed(t, SES, nil, false)
	r.Body = notification(t, map[string]string{"Type": snsUnsubscribing, "Message": "You have chosen", "Token": "1", "SubscribeURL": good}, "1")
	if result, err := Parse(t.Context(), SES, testSecrets(t), r); err != nil || result.Confirm != nil || len(result.Ignored) != 1 {
		t.Errorf("the end of a subscription: %+v, %v", result, err)
	}
	// Raw message delivery: no signature at all.
	r.Body = []byte(`{"notificationType":"Delivery"}`)
	if _, err := Parse(t.Context(), SES, testSecrets(t), r); tidings.CodeOf(err) != tidings.CodeUnauthorized {
		t.Errorf("a raw message: %v", err)
	}
}

func TestCertificatesAreKeptForADay(t *testing.T) {
	fetched, now := 0, testNow
	var fail error
	c := NewCertificates(func(context.Context, string) ([]byte, error) {
		fetched++
		return []byte("x"), fail
	})
	c.now = func() time.Time { return now }
	for _, step := range []struct {
		url   string
		after time.Duration
		fail  error
		want  int
	}{
		{"a", 0, errors.New("no"), 1}, // is not kept
		{"a", 0, nil, 2},
		{"a", certificateAge - 1, nil, 2},
		{"b", 0, nil, 3},
		{"a", 1, nil, 4},
	} {
		now, fail = now.Add(step.after), step.fail
		if _, err := c.Get(t.Context(), step.url); !errors.Is(err, step.fail) || fetched != step.want {
			t.Errorf("%+v: %v, fetched %d", step, err, fetched)
		}
	}
	for i := range 1000 {
		c.Get(t.Context(), strings.Repeat("x", i))
	}
	if len(c.kept) > maxCertificates {
		t.Errorf("%d are kept", len(c.kept))
	}
}
