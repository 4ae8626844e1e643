package source

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// testNow is when all requests of the tests arrive.
var testNow = time.Date(2026, 2, 3, 14, 0, 0, 0, time.UTC)

const (
	testTopic       = "arn:aws:sns:eu-west-1:123456789012:mail"
	testCertificate = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0001.pem"
	testURL         = "https://tidings.example/v1/sources/7?contactId=687266822&broadcastId=2833914"
)

// keys are what the senders of the tests sign with.
type keys struct {
	sendgrid    *ecdsa.PrivateKey
	sns         *rsa.PrivateKey
	certificate []byte
}

var testKeys = sync.OnceValue(func() keys {
	var k keys
	var err error
	if k.sendgrid, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		panic(err)
	}
	if k.sns, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"},
		NotBefore: testNow.Add(-time.Hour), NotAfter: testNow.Add(30 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.sns.Public(), k.sns)
	if err != nil {
		panic(err)
	}
	k.certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return k
})

func testSecrets(t testing.TB) Secrets {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(testKeys().sendgrid.Public())
	if err != nil {
		t.Fatal(err)
	}
	return Secrets{
		PublicKey: base64.StdEncoding.EncodeToString(der), SigningKey: "key-of-mailgun", AuthToken: "token-of-twilio",
		Username: "tidings", Password: "secret of postmark", HeaderName: "X-Webhook-Secret", HeaderValue: "another secret",
		TopicARNs: []string{"arn:aws:sns:eu-west-1:123456789012:other", testTopic},
	}
}

// signed makes the request with which a sender sends an event of a fixture.
func signed(t testing.TB, kind Kind, event []byte, form bool) Request {
	t.Helper()
	r := Request{Header: http.Header{}, URL: testURL, Body: event, Now: testNow, Certificate: fetchTestCertificate}
	switch kind {
	case SendGrid:
		signSendgrid(t, &r, testNow)
	case SES:
		r.Body = notification(t, map[string]string{"Type": snsNotification, "Message": string(event)}, "2")
	case Mailgun:
		r.Body = signMailgun(t, event, testNow)
	case Postmark:
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("tidings:secret of postmark")))
		r.Header.Set("X-Webhook-Secret", "another secret")
	case Twilio:
		signTwilio(t, &r, form)
	}
	return r
}

func signSendgrid(t testing.TB, r *Request, at time.Time) {
	t.Helper()
	timestamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256(append([]byte(timestamp), r.Body...))
	signature, err := ecdsa.SignASN1(rand.Reader, testKeys().sendgrid, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(sendgridTimestamp, timestamp)
	r.Header.Set(sendgridSignature, base64.StdEncoding.EncodeToString(signature))
}

func signMailgun(t testing.TB, event []byte, at time.Time) []byte {
	t.Helper()
	timestamp, token := strconv.FormatInt(at.Unix(), 10), "0a1b2c3d4e5f"
	mac := hmac.New(sha256.New, []byte("key-of-mailgun"))
	mac.Write([]byte(timestamp + token))
	body, err := json.Marshal(map[string]any{
		"signature":  map[string]string{"timestamp": timestamp, "token": token, "signature": hex.EncodeToString(mac.Sum(nil))},
		"event-data": json.RawMessage(event),
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func signTwilio(t testing.TB, r *Request, form bool) {
	t.Helper()
	text := ""
	if form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		values, err := url.ParseQuery(string(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		text = twilioParams(values)
	} else {
		r.Header.Set("Content-Type", "application/json")
		sum := sha256.Sum256(r.Body)
		r.URL += "&bodySHA256=" + hex.EncodeToString(sum[:])
	}
	r.Header.Set("X-Twilio-Signature", twilioMAC("token-of-twilio", r.URL+text))
}

func twilioMAC(token, text string) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// notification makes a message of SNS out of the fields that differ, signed.
func notification(t testing.TB, fields map[string]string, version string) []byte {
	t.Helper()
	m := map[string]string{
		"MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": testTopic, "Timestamp": testNow.Format("2006-01-02T15:04:05.000Z"),
		"SignatureVersion": version, "SigningCertURL": testCertificate,
	}
	for name, value := range fields {
		m[name] = value
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := parseObject(raw)
	text, hash := []byte(signedText(o)), crypto.SHA256
	sum := sha256.Sum256(text)
	digest := sum[:]
	if version == "1" {
		old := sha1.Sum(text)
		digest, hash = old[:], crypto.SHA1
	}
	signature, err := rsa.SignPKCS1v15(nil, testKeys().sns, hash, digest)
	if err != nil {
		t.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func fetchTestCertificate(_ context.Context, url string) ([]byte, error) {
	if url != testCertificate {
		return nil, errors.New("no such certificate")
	}
	return testKeys().certificate, nil
}
