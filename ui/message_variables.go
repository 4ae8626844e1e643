package ui

import (
	"encoding/json"
	"net/url"

	"tidings/ui/part"
)

// mailLinks are the names that messages have besides those of all templates.
func mailLinks() part.PickerGroup {
	return part.PickerGroup{Title: "Links of the mail", Rows: []part.PickerRow{
		{Name: "unsubscribeLink", Type: "link", Value: "the unsubscribe page of this mail", Insert: "$unsubscribeLink"},
		{Name: "preferencesLink", Type: "link", Value: "where the contact chooses categories", Insert: "$preferencesLink"},
		{Name: "viewLink", Type: "link", Value: "the web version of this mail", Insert: "$viewLink"},
	}}
}

// messageVariables gives what a message can use, with the values of whom it is looked at.
func (v *visit) messageVariables(look *lookedAt) ([]part.PickerGroup, error) {
	var of setting
	if look.Contact != nil {
		of.Contact = look.Contact.ID
	}
	if look.Event != nil {
		of.Event = look.Event.ID
	}
	groups, err := v.variables(of)
	return append(groups, mailLinks()), err
}

// picker is what can be inserted into the message. It is loaded late: the
// replies of all webhooks are read for it.
func (v *visit) messagePicker() error {
	look, err := v.chosen(v.r.URL.Query())
	if err != nil {
		return err
	}
	groups, err := v.messageVariables(look)
	if err != nil {
		return err
	}
	return v.part(part.VariablePicker(part.PickerView{ID: pickerID, Title: "Insert a value", For: look.Contact.words(), Groups: groups}))
}

// pickerID names the variable picker of the message editor.
const pickerID = "vars"

// completeMessage offers what a code field of a message completes, as JSON:
// the picker's rows with their values.
func (v *visit) completeMessage() error {
	look, err := v.chosen(v.r.URL.Query())
	if err != nil {
		return err
	}
	groups, err := v.messageVariables(look)
	if err != nil {
		return err
	}
	body, err := json.Marshal(completions(groups))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	_, _ = v.w.Write(body) // a browser that does not take it has gone
	return nil
}

// chosen finds the contact and the event that values name.
func (v *visit) chosen(values url.Values) (*lookedAt, error) {
	look := &lookedAt{}
	look.Images = values.Get("images") != ""
	if err := v.chooseContact(look, values.Get("contact")); err != nil {
		return look, err
	}
	event := values.Get("event")
	if of := values.Get("eventOf"); of != "" && of != look.contactID() {
		event = "" // it was chosen for the contact before
	}
	return look, v.chooseEvent(look, event)
}
