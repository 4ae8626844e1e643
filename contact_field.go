package tidings

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FieldKey names an additional field of contacts, such as PERSONAL.BONUS: in
// capitals, with the group before the dot.
type FieldKey string

// FieldID identifies an additional field. It is given by the store.
type FieldID int64

// Field is an additional field that the contacts of an account may have.
type Field struct {
	ID        FieldID
	Account   AccountID
	Key       FieldKey
	Type      FieldType // of all its values, for ever
	Name      string    // for people; at most MaxNameLength characters, may be ""
	CreatedAt time.Time
}

// FieldType says what the values of a field are.
type FieldType string

// The types of fields.
const (
	FieldText   FieldType = "text"
	FieldNumber FieldType = "number" // exact, as it was written
	FieldDate   FieldType = "date"   // a day, or an instant in UTC
	FieldBool   FieldType = "bool"
	FieldList   FieldType = "list" // texts, each once
)

// FieldTypes lists all types.
func FieldTypes() []FieldType {
	return []FieldType{FieldText, FieldNumber, FieldDate, FieldBool, FieldList}
}

// Limits of fields and their values.
const (
	MaxFieldKey     = 100     // bytes of a key
	MaxFieldText    = 4 << 10 // bytes of a text
	MaxFieldNumber  = 100     // bytes of a number
	MaxFieldList    = 100     // texts of a list
	MaxFields       = 500     // additional fields of an account
	MaxContactBytes = 64 << 10
)

// CheckFieldKey gives the key in its one form, capitals, or says what is wrong
// with it. A key is made of letters (A-Z), digits, _ and dots between its
// parts, begins with a letter, and is no name of a standard field.
func CheckFieldKey(key string) (FieldKey, string) {
	switch {
	case key == "":
		return "", "is required, such as PERSONAL.BONUS"
	case len(key) > MaxFieldKey:
		return "", fmt.Sprintf("is longer than %d bytes", MaxFieldKey)
	case StandardField(key) != "":
		return "", "is the name of a standard field"
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for part := range strings.SplitSeq(key, ".") {
		if part == "" || !strings.Contains(letters, part[:1]) || strings.Trim(part, letters+"0123456789_") != "" {
			return "", "must be letters (A-Z), digits and _, a dot between group and name, each part beginning with a letter: such as PERSONAL.BONUS"
		}
	}
	return FieldKey(strings.ToUpper(key)), ""
}

// CheckFieldType says what is wrong with a field's type, or "".
func CheckFieldType(t FieldType) string {
	if slices.Contains(FieldTypes(), t) {
		return ""
	}
	return fmt.Sprintf("must be one of %v", FieldTypes())
}

// FieldValue is the value of a field. Values are equal when they are the same
// value in the same type, however they came.
type FieldValue struct {
	Type FieldType
	// Text is the text; of a number its decimal digits as JSON writes them, of
	// a date 2026-01-31 or 2026-01-31T15:04:05Z, of a bool true or false, and
	// "" of a list.
	Text string
	List []string // of a list
}

// String gives the value as people read it; the texts of a list joined by commas.
func (v FieldValue) String() string {
	if v.Type == FieldList {
		return strings.Join(v.List, ",")
	}
	return v.Text
}

// Empty says that there is nothing in the value.
func (v FieldValue) Empty() bool { return v.Text == "" && len(v.List) == 0 }

// Equal says whether two values are the same.
func (v FieldValue) Equal(w FieldValue) bool {
	return v.Type == w.Type && v.Text == w.Text && slices.Equal(v.List, w.List)
}

// AppendJSON appends the value as JSON: a string, a number, true or false, an
// array of strings.
func (v FieldValue) AppendJSON(b []byte) []byte {
	switch v.Type {
	case FieldNumber, FieldBool:
		return append(b, v.Text...)
	case FieldList:
		b = append(b, '[')
		for i, text := range v.List {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendJSONText(b, text)
		}
		return append(b, ']')
	}
	return AppendJSONText(b, v.Text)
}

// MarshalJSON gives AppendJSON.
func (v FieldValue) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// ParseFieldValue reads a value of a type from a text: as it stands in a CSV
// file, or as a JSON string carries it. A list's texts are separated by
// semicolons. An empty text is no value. The reason says what is wrong, or "".
func ParseFieldValue(t FieldType, text string) (FieldValue, string) {
	switch v := (FieldValue{Type: t}); t {
	case FieldNumber:
		return parseNumberField(strings.TrimSpace(text))
	case FieldDate:
		return parseDateField(strings.TrimSpace(text))
	case FieldBool:
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true", "yes", "1":
			v.Text = "true"
		case "false", "no", "0":
			v.Text = "false"
		default:
			return v, "must be true or false"
		}
		return v, ""
	case FieldList:
		var texts []string
		for part := range strings.SplitSeq(text, ";") {
			if part = strings.TrimSpace(part); part != "" {
				texts = append(texts, part)
			}
		}
		return ListField(texts)
	default:
		v.Text = text
		return v, checkText(text, MaxFieldText)
	}
}

// ListField makes a list of texts; what is given twice stays once.
func ListField(texts []string) (FieldValue, string) {
	v := FieldValue{Type: FieldList}
	for _, text := range texts {
		if reason := checkText(text, MaxFieldText); reason != "" {
			return v, reason
		}
		if !slices.Contains(v.List, text) {
			v.List = append(v.List, text)
		}
	}
	if len(v.List) > MaxFieldList {
		return v, fmt.Sprintf("has more than %d texts", MaxFieldList)
	}
	return v, ""
}

func parseNumberField(text string) (FieldValue, string) {
	v := FieldValue{Type: FieldNumber, Text: text}
	var number json.Number
	switch {
	case len(text) > MaxFieldNumber:
		return v, fmt.Sprintf("is a number of more than %d digits", MaxFieldNumber)
	case text == "" || text[0] == '"' || json.Unmarshal([]byte(text), &number) != nil || number == "":
		return v, "must be a number such as 12, -3.5 or 1e6"
	}
	return v, ""
}

// parseDateField reads a day or an instant; an instant becomes UTC.
func parseDateField(text string) (FieldValue, string) {
	v := FieldValue{Type: FieldDate}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		v.Text = day.Format(time.DateOnly)
		return v, ""
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 {
			v.Text = t.UTC().Format("2006-01-02T15:04:05Z")
			return v, ""
		}
	}
	return v, "must be a date as 2026-01-31, 2026-01-31T15:04:05 (UTC) or 2026-01-31T15:04:05+02:00"
}

// checkText says what is wrong with a text of at most so many bytes, or "".
func checkText(text string, most int) string {
	switch {
	case len(text) > most:
		return fmt.Sprintf("is longer than %d bytes", most)
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.ContainsRune(text, 0):
		return "has a zero character"
	}
	return ""
}

// Number gives the exact number that a value is or, being a text, can be read
// as; false when it is none. Numbers beyond 1e±1000 are none.
func (v FieldValue) Number() (*big.Rat, bool) {
	if v.Type != FieldNumber && v.Type != FieldText {
		return nil, false
	}
	text := strings.TrimSpace(v.Text)
	if _, reason := parseNumberField(text); reason != "" {
		return nil, false
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if exponent, err := strconv.Atoi(text[i+1:]); err != nil || exponent > 1000 || exponent < -1000 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}
