package workflow

import (
	"context"
	"fmt"
	"strings"

	"tidings"
)

// updateDecided is what the history shows of an update.
type updateDecided struct {
	Contact tidings.ContactID `json:"contactId,omitempty"`
	Set     []setJSON         `json:"set"`
}

type setJSON struct {
	Field string `json:"field"`
	Value string `json:"value"`           // "" = removed
	Error string `json:"error,omitempty"` // why it was not set
}

// update sets fields of the run's contact. One that can't be set stays as it
// is, and the others are set.
func (j *journey) update(ctx context.Context, b *block) (outcome, error) {
	out := outcome{exit: tidings.ExitNext}
	if j.contact() == nil {
		out.failed("there is no contact to set fields of")
		return out, nil
	}
	types, err := j.e.fields.get(ctx, thing{account: j.run.Account})
	if err != nil {
		return out, err
	}
	var change tidings.ContactChange
	decided := updateDecided{Contact: j.run.Contact, Set: make([]setJSON, 0, len(b.setters))}
	var wrong []string
	for i := range b.setters {
		s := &b.setters[i]
		written, err := j.sight.render(ctx, s.value, true)
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		reason := ""
		if err != nil {
			reason = err.Error()
		} else {
			reason = set(&change, s.field, written, types)
		}
		if reason != "" {
			wrong = append(wrong, s.field+": "+reason)
		} else {
			out.change = &change
		}
		decided.Set = append(decided.Set, setJSON{s.field, tidings.CutText(written.text, maxSawBytes), reason})
	}
	if len(wrong) > 0 {
		out.failed("not set: %s", strings.Join(wrong, "; "))
	}
	out.decided = decided
	return out, nil
}

// set puts what a template gave into a change, or says why not.
func set(change *tidings.ContactChange, field string, w written, types map[tidings.FieldKey]tidings.FieldType) string {
	if !tidings.IsStandardField(field) {
		return setAdditional(change, tidings.FieldKey(field), w, types)
	}
	text := w.text
	reason := ""
	switch field {
	case "CONTACT_ID":
		return "is the contact's id, which can't be set"
	case "SUBSCRIPTIONS":
		list, reason := listOf(w)
		if reason == "" {
			keys := append([]string{}, list.List...)
			change.Subscriptions = &keys
		}
		return reason
	case "EMAIL", "SMS":
		if text != "" {
			t := tidings.Email
			if field == "SMS" {
				t = tidings.SMS
			}
			text, reason = tidings.CheckChannel(t, text)
		}
	case "TIMEZONE":
		reason = tidings.CheckTimeZone(text)
	}
	if reason != "" {
		return reason
	}
	*map[string]**string{
		"EXTERNAL_CUSTOMER_ID": &change.ExternalCustomerID, "FIRSTNAME": &change.FirstName, "LASTNAME": &change.LastName,
		"EMAIL": &change.Email, "SMS": &change.SMS, "REGION": &change.Region, "TOWN": &change.Town, "ADDRESS": &change.Address,
		"POSTCODE": &change.Postcode, "LANGUAGE": &change.Language, "TIMEZONE": &change.TimeZone,
	}[field] = &text
	return ""
}

func setAdditional(change *tidings.ContactChange, key tidings.FieldKey, w written, types map[tidings.FieldKey]tidings.FieldType) string {
	t, known := types[key]
	if !known {
		return "there is no such field"
	}
	var value tidings.FieldValue
	reason := ""
	switch {
	case w.text == "":
	case t == tidings.FieldList:
		value, reason = listOf(w)
	default:
		value, reason = tidings.ParseFieldValue(t, w.text)
	}
	if reason != "" {
		return fmt.Sprintf("%q %s", tidings.CutText(w.text, 100), reason)
	}
	change.Fields = append(change.Fields, tidings.ContactField{Key: key, Value: value})
	return ""
}

// listOf reads a list: of a reference that is one, or of texts between semicolons.
func listOf(w written) (tidings.FieldValue, string) {
	if w.value != nil && w.value.Type == tidings.FieldList {
		return tidings.ListField(w.value.List)
	}
	return tidings.ParseFieldValue(tidings.FieldList, w.text)
}
