package tidings

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFactsOfAnActivityAreRead(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Facts
	}{
		{`"contactId":7,"activityStatus":"READ","mediaType":"sms"`, Facts{At: arrival().Unix(), Kind: KindOf(Read, SMS), ContactID: 7}},
		{
			`"contactId":-9223372036854775808,"messageId":9223372036854775807,"activityStatus":"SENT","mediaType":"mobilepush",
			"mobilepush":"m","webpush":"w","messageTag":"a, b","email":"A@b","sms":"1","viber":"2",
			"activityDateTime":"2020-01-01T00:00:00+01:00","statusData":{"subscription":{"subscriptions":["X"]}},"broadcastId":5,"osName":"\n"`,
			Facts{
				At: 1577833200, Kind: KindOf(Sent, MobilePush), ContactID: -1 << 63, MessageID: 1<<63 - 1,
				Email: []byte("A@b"), SMS: []byte("1"), Viber: []byte("2"), MessageTag: []byte("a, b"), MobilePush: []byte("m"), WebPush: []byte("w"),
			},
		},
		{
			`"contactId":-0,"activity\u0053tatus":"R\u0045AD","mediaType":"\u0073ms","email":"\u0430\u0040\ud83d\ude00","messageTag":"\"\\\/\b\f\n\r\t"`,
			Facts{At: arrival().Unix(), Kind: KindOf(Read, SMS), Email: []byte("а@😀"), MessageTag: []byte("\"\\/\b\f\n\r\t")},
		},
	} {
		wire := parse(t, "[{"+c.in+"}]", testIntake())[0].Wire
		got, err := ReadFacts(wire)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", wire, err, diff)
		}
	}
}

func TestFactsOfBrokenBytesAreAnError(t *testing.T) {
	const good = `{"contactId":7,"activityStatus":"READ","mediaType":"sms","activityDateTime":"2020-01-01T00:00:00"}`
	if _, err := ReadFacts([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for n := range len(good) {
		if _, err := ReadFacts([]byte(good[:n])); err == nil {
			t.Errorf("read %s", good[:n])
		}
	}
	for _, c := range []struct{ from, to string }{
		{good, "[" + good + "]"},
		{good, good + good},
		{good, good + "\x00"},
		{`7`, `"7"`},
		{`7`, `7.5`},
		{`7`, `99999999999999999999`},
		{`"READ"`, `1`},
		{`READ`, `RED`},
		{`"sms"`, `"fax"`},
		{`01T`, `99T`},
		{`{"contactId"`, `{1`},
		{`:`, `;`},
	} {
		bad := bytes.Replace([]byte(good), []byte(c.from), []byte(c.to), 1)
		if f, err := ReadFacts(bad); CodeOf(err) != CodeInternal {
			t.Errorf("%s: %v %v", bad, f, err)
		}
	}
}

func TestReadingFactsNeverWritesToTheWire(t *testing.T) {
	wire := []byte(` { "contactId" : 7 , "activityStatus" : "READ","mediaType":"sms", "activityDateTime":"2020-01-01T00:00:00" } `)
	before := string(wire)
	if _, err := ReadFacts(wire); err != nil || string(wire) != before {
		t.Errorf("%s %v", wire, err)
	}
}

func TestReadingFactsDoesNotAllocate(t *testing.T) {
	for _, a := range parse(t, string(seedBody(t)), testIntake()) {
		n := testing.AllocsPerRun(10, func() {
			if _, err := ReadFacts(a.Wire); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations for %s", n, a.Wire)
		}
	}
}

func TestQueriesMatchWhatTheyAskFor(t *testing.T) {
	facts := Facts{
		At: 1577836800, Kind: KindOf(Read, Email), ContactID: 7, MessageID: 9,
		Email: []byte("Пошта.Mail@Example.com"), SMS: []byte("380"), Viber: []byte("381"), MessageTag: []byte("a, long tag ,,c"), MobilePush: []byte("m"), WebPush: []byte("w"),
	}
	at := time.Unix(facts.At, 0)
	for _, c := range []struct {
		q    ActivityQuery
		want bool
	}{
		{ActivityQuery{}, true},
		{ActivityQuery{From: at, To: at.Add(1)}, true},
		{ActivityQuery{From: at.Add(1)}, false},
		{ActivityQuery{To: at}, false},
		{ActivityQuery{Filter: Filter{Statuses: StatusSet(0).With(Read), MediaTypes: MediaSet(0).With(Email)}}, true},
		{ActivityQuery{Filter: Filter{Statuses: StatusSet(0).With(Spam)}}, false},
		{ActivityQuery{Filter: Filter{MediaTypes: MediaSet(0).With(SMS)}}, false},
		{ActivityQuery{ContactID: 7, MessageID: 9}, true},
		{ActivityQuery{ContactID: 8}, false},
		{ActivityQuery{MessageID: 8}, false},
		{ActivityQuery{Email: "пошта.mail@EXAMPLE.com"}, true},
		{ActivityQuery{Email: "пошта.mail@EXAMPLE.co"}, false},
		{ActivityQuery{Email: "пошта.mail@EXAMPLE.comm"}, false},
		{ActivityQuery{Email: "пошту.mail@EXAMPLE.com"}, false},
		{ActivityQuery{SMS: "380"}, true},
		{ActivityQuery{SMS: "381"}, true},
		{ActivityQuery{SMS: "38"}, false},
		{ActivityQuery{MessageTag: "a"}, true},
		{ActivityQuery{MessageTag: "long tag"}, true},
		{ActivityQuery{MessageTag: "c"}, true},
		{ActivityQuery{MessageTag: "long"}, false},
		{ActivityQuery{MessageTag: "A"}, false},
		{ActivityQuery{MessageTag: "a, long tag ,,c"}, false},
		{ActivityQuery{MobilePush: "m", WebPush: "w"}, true},
		{ActivityQuery{MobilePush: "M"}, false},
		{ActivityQuery{WebPush: "m"}, false},
	} {
		if got := c.q.Matches(&facts); got != c.want {
			t.Errorf("%+v: %v", c.q, got)
		}
		if none := (Facts{}); c.q.Matches(&none) && c.q.Email+c.q.SMS+c.q.MessageTag+c.q.MobilePush+c.q.WebPush != "" {
			t.Errorf("%+v matches nothing", c.q)
		}
	}
}

// TestSearchKeysStayTheSame guards what stores have kept: a change of these
// values makes their contents unfindable.
func TestSearchKeysStayTheSame(t *testing.T) {
	for _, c := range []struct {
		kind  KeyKind
		value string
		want  uint64
	}{
		{KeyContact, "", 0xf75a698faf0fc4e5},
		{KeyContact, "687266822", 0x32db0de732f0a257},
		{KeyMessage, "687266822", 0xa54cdde12a020bac},
		{KeyPhone, "380671234567", 0x6e06a942b3ed6480},
		{KeyEmail, "test@rambler.ru", 0xf953064b9e8cb165},
		{KeyEmail, "Test@Rambler.RU", 0xf953064b9e8cb165},
		{KeyEmail, "пошта@приклад.укр", 0x59a72178106af62b},
		{KeyEmail, "ПОШТА@приклад.УКР", 0x59a72178106af62b},
	} {
		if got := SearchKey(c.kind, c.value); got != c.want {
			t.Errorf("%d %q: %#x, want %#x", c.kind, c.value, got, c.want)
		}
	}
}

func TestOnlyEmailsHaveNoCaseAndOnlyInLetters(t *testing.T) {
	for at := range 9 { // in a whole word, and behind it
		emails, phones := map[uint64]byte{}, map[uint64]byte{}
		for c := range byte(128) {
			value := []byte("@########")
			value[at] = c
			if other, ok := phones[SearchKey(KeyPhone, string(value))]; ok {
				t.Errorf("phones: %q is taken for %q", c, other)
			}
			phones[SearchKey(KeyPhone, string(value))] = c
			small := c >= 'a' && c <= 'z'
			if other, ok := emails[SearchKey(KeyEmail, string(value))]; ok != small || ok && other != c-0x20 {
				t.Errorf("emails: %q is taken for %q", c, other)
			}
			emails[SearchKey(KeyEmail, string(value))] = c
		}
	}
}

func TestSearchKeysDifferAndUseAllBits(t *testing.T) {
	const n = 50_000
	seen := make(map[uint64]string, 4*n)
	var set [64]int
	for i := range n {
		for kind, value := range []string{fmt.Sprint(i), fmt.Sprintf("c%d@example.com", i), fmt.Sprint(380670000000 + i), fmt.Sprint(i)} {
			key := SearchKey(KeyKind(kind), value)
			if other, ok := seen[key]; ok {
				t.Fatalf("%s and %s share a key", value, other)
			}
			seen[key] = value
			for rest := key; rest != 0; rest &= rest - 1 {
				set[bits.TrailingZeros64(rest)]++
			}
		}
	}
	for bit, count := range set {
		if count < 4*n*49/100 || count > 4*n*51/100 {
			t.Errorf("bit %d is set in %d of %d keys", bit, count, 4*n)
		}
	}
	for n := range 16 { // zero bytes count
		key := SearchKey(KeyContact, string(make([]byte, n)))
		if seen[key] != "" {
			t.Errorf("%d zero bytes share a key with %q", n, seen[key])
		}
		seen[key] = fmt.Sprint(n, " zero bytes")
	}
}
