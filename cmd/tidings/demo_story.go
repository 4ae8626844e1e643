package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// story invents what contacts do with messages: a message is delivered, then
// read, then a link is followed or somebody complains; all channels and all
// statuses. The same seed tells the same story.
type story struct {
	rng  *rand.Rand
	next []happening // what will happen to messages sent earlier
	sent int64
}

// happening is an activity that is due at a turn of the story.
type happening struct {
	turn     int64
	activity storyActivity
}

// storyActivity is the wire object, as far as the story fills it in.
type storyActivity struct {
	IID           string       `json:"iid"`
	ContactID     int64        `json:"contactId"`
	Status        string       `json:"activityStatus"`
	MediaType     string       `json:"mediaType"`
	DateTime      string       `json:"activityDateTime"`
	Email         string       `json:"email,omitempty"`
	SMS           string       `json:"sms,omitempty"`
	Viber         string       `json:"viber,omitempty"`
	MobilePush    string       `json:"mobilepush,omitempty"`
	WebPush       string       `json:"webpush,omitempty"`
	BroadcastID   int64        `json:"broadcastId,omitempty"`
	WorkflowID    int64        `json:"workflowId,omitempty"`
	WorkflowBlock string       `json:"workflowBlockId,omitempty"`
	EventKey      string       `json:"sourceEventKey,omitempty"`
	EventTypeKey  string       `json:"sourceEventTypeKey,omitempty"`
	MessageID     int64        `json:"messageId,omitempty"`
	InstanceID    int64        `json:"messageInstanceId,omitempty"`
	MessageName   string       `json:"messageName,omitempty"`
	MessageTag    string       `json:"messageTag,omitempty"`
	HardBounce    *bool        `json:"hardBounce,omitempty"`
	Description   string       `json:"statusDescription,omitempty"`
	ClickLink     string       `json:"clickEventLink,omitempty"`
	ViewLink      string       `json:"viewMessageLink,omitempty"`
	StatusData    *storyChange `json:"statusData,omitempty"`
}

type storyChange struct {
	Subscription struct {
		Subscriptions []string `json:"subscriptions"`
	} `json:"subscription"`
}

func newStory(seed uint64) *story {
	return &story{rng: rand.New(rand.NewPCG(seed, 0))}
}

// turn gives what happens next: about n activities, at least one.
func (s *story) turn(n int, now time.Time) []storyActivity {
	s.sent++
	for range n/2 + 1 {
		s.send()
	}
	var due []storyActivity
	var later []happening
	for _, h := range s.next {
		if h.turn > s.sent || len(due) >= 4*n {
			later = append(later, h)
			continue
		}
		h.activity.DateTime = now.UTC().Format("2006-01-02T15:04:05")
		due = append(due, h.activity)
	}
	s.next = later
	return due
}

// send starts one message on its way to one contact.
func (s *story) send() {
	message := storyMessages()[s.rng.IntN(len(storyMessages()))]
	a := s.contact(message.channel)
	a.MediaType, a.MessageID, a.MessageName, a.MessageTag = message.channel, message.id, message.name, message.tag
	a.InstanceID = message.id*1000 + s.sent
	if message.event == "" {
		a.BroadcastID = 2_833_000 + message.id
	} else {
		a.WorkflowID, a.EventTypeKey, a.EventKey = 245_460, message.event, fmt.Sprint(a.ContactID)
		a.WorkflowBlock = "e_" + s.hex(16)
	}
	if message.channel == "email" {
		a.ViewLink = "https://view.shop.example/m/" + a.IID
	}
	at := s.sent
	if message.channel == "mobilepush" {
		s.later(at, a, "SENT")
		at++
	}
	if s.rng.IntN(12) == 0 {
		s.fail(at, a)
		return
	}
	s.later(at, a, "DELIVERED")
	if s.rng.IntN(2) == 0 {
		return
	}
	at += 1 + s.rng.Int64N(4)
	s.later(at, a, "READ")
	at += 1 + s.rng.Int64N(4)
	switch s.rng.IntN(8) {
	case 0, 1, 2:
		a.ClickLink = "https://shop.example/" + message.tag + "?contact=" + fmt.Sprint(a.ContactID)
		s.later(at, a, "CLICKED")
	case 4:
		s.later(at, a, "UNSUBSCRIBED")
	case 5:
		s.later(at, a, "SPAM")
	case 6:
		a.StatusData = &storyChange{}
		a.StatusData.Subscription.Subscriptions = []string{"SMARTPHONES", "TABLETS", "LAPTOPS"}[:1+s.rng.IntN(3)]
		s.later(at, a, "SUBSCRIPTION_CHANGED")
	}
}

// fail makes the message undeliverable.
func (s *story) fail(turn int64, a storyActivity) {
	hard := s.rng.IntN(4) == 0
	a.HardBounce = &hard
	a.Description = map[string]string{
		"email": "smtp;554 5.7.1 Message rejected", "sms": "IM_NO_MONEY", "viber": "NOT_VIBER_USER",
		"mobilepush": "UNREGISTERED", "webpush": "410 Gone",
	}[a.MediaType]
	s.later(turn, a, "UNDELIVERED")
}

func (s *story) later(turn int64, a storyActivity, status string) {
	a.Status = status
	s.next = append(s.next, happening{turn, a})
}

// contact draws a contact and fills in how the channel reaches it.
func (s *story) contact(channel string) storyActivity {
	first := []string{"olena", "marko", "iryna", "taras", "sofia", "danylo", "anna", "pavlo", "ivan", "kateryna", "lesia", "roman"}
	last := []string{"bondar", "koval", "melnyk", "shevchuk", "tkach", "kravets", "lysenko", "moroz", "hnatiuk", "savchuk"}
	n := s.rng.IntN(len(first) * len(last))
	a := storyActivity{IID: s.uuid(), ContactID: 1_258_810_400 + int64(n)}
	phone := fmt.Sprintf("38067%07d", 1_000_000+n*7919)
	token := sha256.Sum256([]byte(channel + phone))
	switch channel {
	case "email":
		a.Email = fmt.Sprintf("%s.%s@mail.example", first[n%len(first)], last[n/len(first)])
	case "sms":
		a.SMS = phone
	case "viber":
		a.Viber = phone
	case "mobilepush", "appinbox", "inapp":
		a.MobilePush = hex.EncodeToString(token[:12])
	case "webpush", "widget":
		a.WebPush = hex.EncodeToString(token[:12])
	}
	return a
}

func (s *story) uuid() string {
	h := s.hex(16)
	return strings.Join([]string{h[:8], h[8:12], "4" + h[13:16], "a" + h[17:20], h[20:]}, "-")
}

func (s *story) hex(bytes int) string {
	b := make([]byte, bytes)
	for i := range b {
		b[i] = byte(s.rng.Uint32())
	}
	return hex.EncodeToString(b)
}

// storyMessage is a message of the invented shop; event is what a triggered one reacts to.
type storyMessage struct {
	id                        int64
	channel, name, tag, event string
}

func storyMessages() []storyMessage {
	return []storyMessage{
		{976440, "email", "Autumn sale", "autumn-sale", ""},
		{976441, "email", "Your order is on its way", "orders", "orderShipped"},
		{976442, "email", "You left something in the cart", "abandoned-cart", "abandonedCart"},
		{976450, "sms", "Code for your parcel", "orders", "parcelArrived"},
		{976451, "sms", "Autumn sale", "autumn-sale", ""},
		{976460, "viber", "Autumn sale", "autumn-sale", ""},
		{976470, "mobilepush", "Back in stock", "back-in-stock", "backInStock"},
		{976471, "webpush", "Price drop", "price-drop", "priceDrop"},
		{976480, "appinbox", "Bonus points", "loyalty", ""},
		{976481, "inapp", "Rate your order", "orders", "orderReceived"},
		{976482, "widget", "Subscribe and save", "subscribe", ""},
		{976490, "telegrambot", "Your order is on its way", "orders", "orderShipped"},
	}
}
