package source

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"

	"tidings"
)

// maxParams is how many parameters a form of Twilio may have.
const maxParams = 200

// twilio reads a callback of Twilio's messaging: the status of a message or an
// opt-out as a form, clicks as JSON. Custom arguments are in the query of the
// callback's URL, which Twilio leaves as it was given.
func (b *batch) twilio(s Secrets, r Request) error {
	u, err := url.Parse(r.URL)
	if err != nil {
		return malformed(Twilio, "its URL can't be read")
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form := url.Values{}
	if media == "application/x-www-form-urlencoded" {
		if form, err = url.ParseQuery(string(r.Body)); err != nil || len(form) > maxParams {
			return malformed(Twilio, "its form can't be read")
		}
	}
	if err := verifyTwilio(s, r, u, form); err != nil {
		return err
	}
	args := u.Query().Get
	if media == "application/x-www-form-urlencoded" {
		b.twilioForm(form, args, r)
		return nil
	}
	return b.twilioJSON(args, r)
}

// verifyTwilio checks X-Twilio-Signature: the URL and the form's parameters, or,
// of all other bodies, the URL, which then has the body's digest in bodySHA256.
func verifyTwilio(s Secrets, r Request, u *url.URL, form url.Values) error {
	got, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil || len(got) == 0 {
		return untrusted("it has no signature of Twilio")
	}
	if digest := u.Query().Get("bodySHA256"); digest != "" {
		sum := sha256.Sum256(r.Body)
		if !same(strings.ToLower(digest), hex.EncodeToString(sum[:])) {
			return untrusted("its body is not the one that was signed")
		}
	} else if len(form) == 0 && len(r.Body) > 0 {
		return untrusted("its body is not signed")
	}
	params := twilioParams(form)
	for _, candidate := range twilioURLs(r.URL, u) {
		mac := hmac.New(sha1.New, []byte(s.AuthToken))
		mac.Write([]byte(candidate + params))
		if hmac.Equal(got, mac.Sum(nil)) {
			return nil
		}
	}
	return untrusted("its signature is not that of the source's auth token for the URL " + u.Redacted())
}

// twilioParams joins a form as Twilio signs it: names in order, each with its
// values, of several the different ones in order.
func twilioParams(form url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			b.WriteString(name + value)
		}
	}
	return b.String()
}

// twilioURLs lists the spellings that Twilio may have signed: with the scheme's
// port and without.
func twilioURLs(text string, u *url.URL) []string {
	port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	if port == "" || u.Host == "" {
		return []string{text}
	}
	bare := strings.TrimSuffix(u.Host, port)
	if u.Port() != "" && bare == u.Host {
		return []string{text, strings.Replace(text, u.Host, u.Hostname(), 1)}
	}
	return []string{strings.Replace(text, u.Host, bare, 1), strings.Replace(text, u.Host, bare+port, 1)}
}

func (b *batch) twilioForm(form url.Values, args func(string) string, r Request) {
	message := cmp.Or(form.Get("MessageSid"), form.Get("SmsSid"))
	status := strings.ToLower(cmp.Or(form.Get("MessageStatus"), form.Get("SmsStatus")))
	a := Activity{Event: status, ID: message + "/" + status, At: r.Now, Media: tidings.SMS}
	if message == "" {
		a.ID = ""
	}
	to := form.Get("To")
	switch optOut := form.Get("OptOutType"); {
	case optOut == "STOP": // a message of the contact's
		a.Status, a.Event, a.ID = tidings.Unsubscribed, "STOP", message+"/STOP"
		to = form.Get("From")
	case optOut != "":
		b.ignore(optOut, message, "no status says this")
		return
	case status == "delivered":
		a.Status = tidings.Delivered
	case status == "undelivered" || status == "failed":
		a.Status = tidings.Undelivered
		a.twilioFailure(form)
	case status == "read":
		a.Status = tidings.Read
	case status == "":
		b.ignore("", message, "it has no status")
		return
	case slices.Contains([]string{"accepted", "scheduled", "queued", "sending", "sent"}, status):
		b.ignore(status, message, "on its way: the outcome is another event")
		return
	default: // canceled, receiving, received, and what may come
		b.ignore(status, message, "nothing that a contact or a delivery did")
		return
	}
	if a.Status != tidings.Unsubscribed {
		a.From = form.Get("From")
	}
	b.addSMS(a, to, message, args, r)
}

// addSMS adds what happened to a text message to a phone, which may be one of
// another channel of Twilio's ("whatsapp:+380…").
func (b *batch) addSMS(a Activity, phone, message string, args func(string) string, r Request) {
	channel, number, found := strings.Cut(phone, ":")
	if !found {
		channel, number = "", phone
	}
	if channel != "" && !strings.EqualFold(channel, "sms") {
		b.ignore(a.Event, a.ID, "of a channel that activities do not have: "+clip(channel, 40))
		return
	}
	a.SMS = strings.TrimPrefix(strings.TrimSpace(number), "+")
	a.arguments(args)
	a.identify(Twilio, message)
	b.add(a, r)
}

// twilioFailure says why a message was not delivered. Twilio gives a number.
func (a *Activity) twilioFailure(form url.Values) {
	code := form.Get("ErrorCode")
	text := cmp.Or(form.Get("ErrorMessage"), map[string]string{
		"21610": "the recipient has unsubscribed",
		"21614": "not a mobile number",
		"30001": "queue overflow",
		"30002": "account suspended",
		"30003": "unreachable destination handset",
		"30004": "message blocked",
		"30005": "unknown destination handset",
		"30006": "landline or unreachable carrier",
		"30007": "message filtered",
		"30008": "unknown error",
	}[code])
	a.StatusDescription = strings.TrimSpace(code + " " + text)
	if code == "" && text == "" {
		a.StatusDescription = form.Get("MessageStatus")
	}
	a.HardBounce = slices.Contains([]string{"21211", "21614", "30005", "30006"}, code)
}

// twilioJSON reads clicks of Twilio's link shortening: a callback of its own,
// or an array of CloudEvents (Event Streams).
func (b *batch) twilioJSON(args func(string) string, r Request) error {
	var raws []json.RawMessage
	if json.Unmarshal(r.Body, &raws) != nil || raws == nil {
		raws = []json.RawMessage{r.Body}
	}
	for _, raw := range raws {
		e, ok := parseObject(raw)
		if !ok {
			return malformed(Twilio, "the body is neither a form nor JSON objects")
		}
		kind, data := e.str("type"), e.in("data")
		if e.str("event_type") != "" {
			kind, data = e.str("event_type"), e
		}
		if kind != "click" && kind != "com.twilio.daptbt.link-shortening.link-clicked" {
			b.ignore(kind, e.str("id"), "an event that is not known")
			continue
		}
		message := cmp.Or(data.str("message_sid"), data.str("sms_sid"))
		a := Activity{
			Event: "click", ID: cmp.Or(e.str("id"), strings.Join([]string{message, "click", data.str("click_time"), data.str("link")}, "/")),
			At: data.time("click_time"), Status: tidings.Clicked, Media: tidings.SMS, ClickEventLink: data.str("link"), From: data.str("from"),
		}
		b.addSMS(a, data.str("to"), message, args, r)
	}
	return nil
}
