package tidings

import (
	"slices"
	"strings"
)

// ContactChange is what is set of a contact, new or known. What is nil stays
// as it is; an empty text removes.
type ContactChange struct {
	ID                 ContactID // whom it is about; 0 = see MatchBy
	ExternalCustomerID *string
	FirstName          *string
	LastName           *string
	Region             *string
	Town               *string
	Address            *string
	Postcode           *string
	Language           *string
	TimeZone           *string
	Email              *string        // in place of the first email address, the others stay; "" = of all
	SMS                *string        // in place of the first phone number, the others stay; "" = of all
	Channels           *[]Channel     // in place of all addresses
	Fields             []ContactField // each in place of the value under its key; an empty value removes it
	Subscriptions      *[]string      // in place of all subscriptions
}

// MatchBy says how an upsert finds its contact.
type MatchBy string

// The ways to find a contact.
const (
	// MatchAny takes the first that is found of id, externalCustomerId, email,
	// phone and the other channels.
	MatchAny        MatchBy = ""
	MatchID         MatchBy = "id" // and nothing is made when there is none
	MatchExternalID MatchBy = "externalCustomerId"
	MatchEmail      MatchBy = "email"
	MatchSMS        MatchBy = "sms"
)

// ContactOutcome is what became of a ContactChange.
type ContactOutcome struct {
	ID      ContactID
	Created bool
	Changed bool  // also true when it was created
	Err     error // why nothing was done; of the row only
}

// Apply sets what the change says, and says whether the contact is another
// now. What is set is checked afterwards, by CheckContact.
func (ch *ContactChange) Apply(c *Contact) bool {
	changed := false
	for _, set := range []struct{ from, to *string }{
		{ch.ExternalCustomerID, &c.ExternalCustomerID},
		{ch.FirstName, &c.FirstName},
		{ch.LastName, &c.LastName},
		{ch.Region, &c.Region},
		{ch.Town, &c.Town},
		{ch.Address, &c.Address},
		{ch.Postcode, &c.Postcode},
		{ch.Language, &c.Language},
		{ch.TimeZone, &c.TimeZone},
	} {
		if set.from != nil && *set.from != *set.to {
			*set.to = *set.from
			changed = true
		}
	}
	if ch.Channels != nil {
		changed = c.setChannels(*ch.Channels) || changed
	}
	changed = c.setChannel(Email, ch.Email) || changed
	changed = c.setChannel(SMS, ch.SMS) || changed
	for _, f := range ch.Fields {
		changed = c.setField(f) || changed
	}
	if ch.Subscriptions != nil {
		changed = c.setSubscriptions(*ch.Subscriptions) || changed
	}
	return changed
}

func (c *Contact) setChannels(to []Channel) bool {
	if slices.EqualFunc(c.Channels, to, func(a, b Channel) bool { return a.Type == b.Type && a.Value == b.Value }) {
		return false
	}
	c.Channels = slices.Clone(to)
	return true
}

// setChannel puts an address in place of the first of its type, nothing in
// place of all.
func (c *Contact) setChannel(t MediaType, to *string) bool {
	if to == nil || *to == c.Channel(t) {
		return false
	}
	at := slices.IndexFunc(c.Channels, func(ch Channel) bool { return ch.Type == t })
	c.Channels = slices.Clone(c.Channels)
	switch {
	case *to == "":
		c.Channels = slices.DeleteFunc(c.Channels, func(ch Channel) bool { return ch.Type == t })
	case at < 0:
		c.Channels = append(c.Channels, Channel{Type: t, Value: *to})
	default:
		c.Channels[at] = Channel{Type: t, Value: *to}
		// One of the others may have stepped forward.
		same := func(ch Channel) bool { return ch.Type == t && ChannelKey(ch) == ChannelKey(c.Channels[at]) }
		for i := len(c.Channels) - 1; i > at; i-- {
			if same(c.Channels[i]) {
				c.Channels = slices.Delete(c.Channels, i, i+1)
			}
		}
	}
	return true
}

func (c *Contact) setField(f ContactField) bool {
	at, found := slices.BinarySearchFunc(c.Fields, f.Key, func(have ContactField, key FieldKey) int {
		return strings.Compare(string(have.Key), string(key))
	})
	switch {
	case f.Value.Empty() && !found, found && c.Fields[at].Value.Equal(f.Value):
		return false
	case f.Value.Empty():
		c.Fields = slices.Delete(slices.Clone(c.Fields), at, at+1)
	case found:
		c.Fields = slices.Clone(c.Fields)
		c.Fields[at].Value = f.Value
	default:
		c.Fields = slices.Insert(slices.Clone(c.Fields), at, f)
	}
	return true
}

func (c *Contact) setSubscriptions(to []string) bool {
	sorted := slices.Clone(to)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	if slices.Equal(c.Subscriptions, sorted) {
		return false
	}
	c.Subscriptions = sorted
	return true
}
