package workflow

import (
	"context"
	"fmt"
	"strconv"

	"tidings"
)

// person is whose data a block uses.
type person struct {
	sight *sight // with that contact; with none when nobody was found
	how   string // which of the block's fields named it; "" = the run's contact
	why   string // why nobody was found
}

// person finds whose data a block uses. A message is for an address that
// nobody has, too: its contact is made (the platform: "a new contact will be created for sending").
func (j *journey) person(ctx context.Context, b *block, makes bool) (person, error) {
	w := &b.whose
	if w.id.empty() && w.phone.empty() && w.email.empty() {
		return person{sight: &j.sight}, nil
	}
	none := person{why: "the block says whose data it uses, and that is empty here"}
	var fresh *tidings.Channel // an address that nobody has
	for _, t := range []struct {
		how      string
		template template
		find     func(context.Context, string) (*tidings.Contact, *tidings.Channel, string, error)
	}{
		{"contactId", w.id, j.byID},
		{"phone", w.phone, j.byAddress(tidings.SMS, tidings.MatchSMS)},
		{"contactEmail", w.email, j.byAddress(tidings.Email, tidings.MatchEmail)},
	} {
		if t.template.empty() {
			continue
		}
		out, err := j.sight.render(ctx, t.template, false)
		if ctx.Err() != nil {
			return none, context.Cause(ctx)
		}
		if err != nil {
			none.how, none.why = t.how, fmt.Sprintf("%s can't be told: %s", t.how, err)
			continue
		}
		if out.text == "" {
			continue
		}
		contact, address, why, err := t.find(ctx, out.text)
		if err != nil {
			return none, err
		}
		if contact != nil {
			return person{sight: j.sight.of(contact), how: t.how}, nil
		}
		none.how, none.why = t.how, why
		if address != nil {
			fresh = address // the email comes last, and is what a message needs
		}
	}
	if fresh != nil && makes {
		contact, err := j.newcomer(ctx, *fresh)
		if contact != nil || err != nil {
			return person{sight: j.sight.of(contact), how: none.how}, err
		}
	}
	none.sight = j.sight.of(nil)
	return none, nil
}

func (j *journey) byID(ctx context.Context, text string) (*tidings.Contact, *tidings.Channel, string, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return nil, nil, fmt.Sprintf("contactId is %q, which is no contact's id", tidings.CutText(text, 50)), nil
	}
	if own := j.contact(); own != nil && own.ID == tidings.ContactID(id) {
		return own, nil, "", nil
	}
	contact, err := j.e.store.Contact(ctx, j.run.Account, tidings.ContactID(id))
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		return nil, nil, fmt.Sprintf("there is no contact %d", id), nil
	}
	return &contact, nil, "", err
}

func (j *journey) byAddress(t tidings.MediaType, by tidings.MatchBy) func(context.Context, string) (*tidings.Contact, *tidings.Channel, string, error) {
	return func(ctx context.Context, text string) (*tidings.Contact, *tidings.Channel, string, error) {
		value, reason := tidings.CheckChannel(t, text)
		if reason != "" {
			return nil, nil, fmt.Sprintf("%s is %q, which %s", t, tidings.CutText(text, 100), reason), nil
		}
		address := tidings.Channel{Type: t, Value: value}
		if own := j.contact(); own != nil && tidings.ChannelKey(tidings.Channel{Type: t, Value: own.Channel(t)}) == tidings.ChannelKey(address) {
			return own, nil, "", nil
		}
		contact, err := j.e.store.FindContact(ctx, j.run.Account, by, value)
		if tidings.CodeOf(err) == tidings.CodeNotFound {
			return nil, &address, fmt.Sprintf("no contact has the %s %s", t, value), nil
		}
		return &contact, nil, "", err
	}
}

// newcomer makes a contact of an address. In a dry run it is invented.
func (j *journey) newcomer(ctx context.Context, address tidings.Channel) (*tidings.Contact, error) {
	if j.dry != nil {
		return &tidings.Contact{Account: j.run.Account, Channels: []tidings.Channel{address}}, nil
	}
	change, by := tidings.ContactChange{Email: &address.Value}, tidings.MatchEmail
	if address.Type == tidings.SMS {
		change, by = tidings.ContactChange{SMS: &address.Value}, tidings.MatchSMS
	}
	contact, _, err := j.e.store.UpsertContact(ctx, j.run.Account, change, by)
	switch tidings.CodeOf(err) {
	case "":
		return &contact, nil
	case tidings.CodeInvalid, tidings.CodeConflict:
		return nil, nil // what the event says makes no contact
	}
	return nil, err
}
