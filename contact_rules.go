package tidings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a contact.
const (
	MaxPersonName       = 60  // characters of a first or last name
	MaxContactText      = 255 // characters of another standard field
	MaxExternalID       = 255 // characters
	MaxEmailBytes       = 254 // of an address (RFC 5321)
	MinPhoneDigits      = 5
	MaxPhoneDigits      = 15      // E.164
	MaxToken            = 4 << 10 // bytes
	MaxChannels         = 20
	MaxSubscriptions    = 200
	MaxCategory         = 100 // characters of a category key
	longestLanguageCode = 35  // of a language tag (RFC 5646, section 4.4.1)
)

// CheckChannel gives an address in the form in which it is kept, or says what
// is wrong with it: an email without the blanks around it, a phone number's
// digits, a token as it is.
func CheckChannel(t MediaType, value string) (string, string) {
	if !slices.Contains(ChannelTypes(), t) {
		return "", fmt.Sprintf("must be of a type that has addresses: %s", channelNames())
	}
	switch t {
	case Email:
		value = strings.TrimSpace(value)
		return value, checkEmail(value)
	case SMS:
		return checkPhone(value)
	}
	if value == "" {
		return "", "is required"
	}
	return value, checkText(value, MaxToken)
}

func channelNames() string {
	types := ChannelTypes()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

// checkEmail refuses what no mail server takes. It is not RFC 5322 in full:
// quoted local parts and comments, which nobody has, are refused too.
func checkEmail(email string) string {
	at := strings.LastIndexByte(email, '@')
	local, domain := "", ""
	if at >= 0 {
		local, domain = email[:at], email[at+1:]
	}
	switch {
	case email == "":
		return "is required"
	case len(email) > MaxEmailBytes:
		return fmt.Sprintf("is longer than %d bytes", MaxEmailBytes)
	case !utf8.ValidString(email):
		return "is not UTF-8"
	case local == "" || len(local) > 64 || strings.Contains(local, "@") || !strings.Contains(domain, ".") || strings.ContainsFunc(email, notInEmail):
		return "must be an email address such as ann@example.com"
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return "must be an email address such as ann@example.com"
		}
	}
	return ""
}

func notInEmail(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`"(),:;<>[\]`, r) || r > 0x7f && (unicode.IsSpace(r) || unicode.IsControl(r))
}

// checkPhone gives the digits of a phone number without what people write between them.
func checkPhone(phone string) (string, string) {
	digits := make([]byte, 0, len(phone))
	for _, r := range phone {
		switch {
		case '0' <= r && r <= '9':
			digits = append(digits, byte(r))
		case !strings.ContainsRune("+-(). \u00a0", r):
			return "", "must be a phone number in digits, with the country's code, such as 380671234567"
		}
	}
	if len(digits) < MinPhoneDigits || len(digits) > MaxPhoneDigits {
		return "", fmt.Sprintf("must have %d to %d digits, with the country's code, such as 380671234567", MinPhoneDigits, MaxPhoneDigits)
	}
	return string(digits), ""
}

// ChannelKey is what addresses are compared by: an email in small letters, all
// else as it is.
func ChannelKey(c Channel) string {
	if c.Type == Email {
		return strings.ToLower(c.Value)
	}
	return c.Value
}

// CheckContact says what is wrong with a contact. Field names are those of the
// API. Addresses have been through CheckChannel, the time zone through
// CheckTimeZone, values of additional fields through the parsing of their type.
func CheckContact(c *Contact) []FieldError {
	var faults []FieldError
	fault := func(field, reason string) {
		if reason != "" {
			faults = append(faults, FieldError{Index: -1, Field: field, Reason: reason})
		}
	}
	fault("externalCustomerId", checkShort(c.ExternalCustomerID, MaxExternalID))
	fault("firstName", checkShort(c.FirstName, MaxPersonName))
	fault("lastName", checkShort(c.LastName, MaxPersonName))
	fault("address.region", checkShort(c.Region, MaxContactText))
	fault("address.town", checkShort(c.Town, MaxContactText))
	fault("address.address", checkShort(c.Address, MaxContactText))
	fault("address.postcode", checkShort(c.Postcode, MaxContactText))
	fault("languageCode", checkLanguage(c.Language))
	if len(c.Channels) > MaxChannels {
		fault("channels", fmt.Sprintf("are more than %d", MaxChannels))
	}
	if len(c.Channels) == 0 && c.ExternalCustomerID == "" {
		fault("", "a contact needs an email, a phone, another channel or an externalCustomerId")
	}
	for i, ch := range c.Channels {
		if slices.ContainsFunc(c.Channels[:i], func(d Channel) bool { return d.Type == ch.Type && ChannelKey(d) == ChannelKey(ch) }) {
			fault(fmt.Sprintf("channels[%d]", i), "is given twice")
		}
	}
	if len(c.Subscriptions) > MaxSubscriptions {
		fault("subscriptions", fmt.Sprintf("are more than %d", MaxSubscriptions))
	}
	for i, category := range c.Subscriptions {
		if strings.TrimSpace(category) == "" {
			fault(fmt.Sprintf("subscriptions[%d]", i), "is empty")
		}
		fault(fmt.Sprintf("subscriptions[%d]", i), checkShort(category, MaxCategory))
	}
	if size := c.size(); size > MaxContactBytes {
		fault("", fmt.Sprintf("the contact has %d bytes: at most %d", size, MaxContactBytes))
	}
	return faults
}

// size counts the bytes of a contact's texts.
func (c *Contact) size() int {
	n := len(c.ExternalCustomerID) + len(c.FirstName) + len(c.LastName) + len(c.Region) + len(c.Town) + len(c.Address) + len(c.Postcode)
	for _, ch := range c.Channels {
		n += len(ch.Value)
	}
	for _, f := range c.Fields {
		n += len(f.Key) + len(f.Value.Text)
		for _, text := range f.Value.List {
			n += len(text)
		}
	}
	for _, category := range c.Subscriptions {
		n += len(category)
	}
	return n
}

// checkShort says what is wrong with a text of at most so many characters, or "".
func checkShort(text string, most int) string {
	switch {
	case text == "":
		return ""
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case len(text) > most && utf8.RuneCountInString(text) > most:
		return fmt.Sprintf("is longer than %d characters", most)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f }):
		return "has control characters"
	}
	return ""
}

// checkLanguage takes what looks like a language tag: subtags of 1 to 8 letters
// and digits, the first of 2 to 8 letters.
func checkLanguage(tag string) string {
	if tag == "" {
		return ""
	}
	first, wrong := true, len(tag) > longestLanguageCode
	for part := range strings.SplitSeq(strings.ReplaceAll(tag, "_", "-"), "-") {
		wrong = wrong || part == "" || len(part) > 8 || first && len(part) < 2
		for _, b := range []byte(part) {
			letter := 'a' <= b|0x20 && b|0x20 <= 'z'
			wrong = wrong || !letter && (first || b < '0' || b > '9')
		}
		first = false
	}
	if wrong {
		return "must be a language tag such as uk, en or pt-BR"
	}
	return ""
}

// CheckTimeZone says what is wrong with the name of a time zone, or "". It
// reads the machine's database, so who checks many contacts keeps the answers.
func CheckTimeZone(name string) string {
	if name == "" {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" || len(name) > 64 {
		return "is not a time zone that is known here: use a name such as Europe/Kyiv or UTC"
	}
	return ""
}

func parseContactID(text string) ContactID {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0
	}
	return ContactID(id)
}
