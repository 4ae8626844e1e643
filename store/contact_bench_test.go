package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"tidings"
)

// people makes changes for imports: contacts as companies have them, with
// emails and phones in no order.
type people struct{ rng *rand.Rand }

func newPeople() people { return people{rand.New(rand.NewPCG(1, 2))} }

func (p people) word(syllables int) string {
	const consonants, vowels = "bcdfghklmnprstvz", "aeiouy"
	word := make([]byte, 0, 2*syllables)
	for range syllables {
		word = append(word, consonants[p.rng.IntN(len(consonants))], vowels[p.rng.IntN(len(vowels))])
	}
	word[0] -= 'a' - 'A'
	return string(word)
}

func (p people) change(i int) tidings.ContactChange {
	firsts := []string{"Anna", "Andrew", "Boris", "Denys", "Elena", "Hanna", "Ivan", "Julia", "Kateryna", "Lesya", "Maria", "Nina", "Olha", "Petro", "Roman", "Serhii", "Taras", "Yurii", "Zoya"}
	first, last := firsts[p.rng.IntN(len(firsts))], p.word(2+p.rng.IntN(3))
	external, email := fmt.Sprintf("c-%d", i), fmt.Sprintf("%s.%s%d@example.com", first, last, p.rng.IntN(1_000_000))
	phone, town := fmt.Sprintf("38%010d", i*7919%9_999_991), p.word(3)
	zone, subscriptions := "Europe/Kyiv", []string{"NEWS", "TABLETS"}
	return tidings.ContactChange{
		ExternalCustomerID: &external, FirstName: &first, LastName: &last, Email: &email, SMS: &phone, Town: &town, TimeZone: &zone, Subscriptions: &subscriptions,
		Fields: []tidings.ContactField{
			{Key: "PERSONAL.BONUS", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: fmt.Sprint(p.rng.IntN(1000))}},
			{Key: "PERSONAL.BIRTHDAY", Value: tidings.FieldValue{Type: tidings.FieldDate, Text: fmt.Sprintf("19%02d-%02d-%02d", p.rng.IntN(100), 1+p.rng.IntN(12), 1+p.rng.IntN(28))}},
		},
	}
}

// withFields makes an account with fields and gives a store.
func withFields(b *testing.B) *Store {
	s := openBench(b, Options{})
	account, _, err := s.CreateAccount(context.Background(), "shop", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		b.Fatal(err)
	}
	for key, t := range map[tidings.FieldKey]tidings.FieldType{"PERSONAL.BONUS": tidings.FieldNumber, "PERSONAL.BIRTHDAY": tidings.FieldDate} {
		if _, err := s.CreateField(context.Background(), tidings.Field{Account: account.ID, Key: key, Type: t}, "admin"); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

const benchBatch = 1000

// contactsStored is how many contacts the store of BenchmarkContacts has.
const contactsStored = 1_000_000

// importPeople imports so many contacts, two batches in flight.
func importPeople(b *testing.B, s *Store, n int) {
	p := newPeople()
	batches := make(chan []tidings.ContactChange, 2)
	var workers sync.WaitGroup
	for range 1 {
		workers.Go(func() {
			for batch := range batches {
				outcomes, err := s.ImportContacts(context.Background(), 1, batch, tidings.MatchAny)
				if err != nil {
					b.Error(err)
				}
				for _, o := range outcomes {
					if o.Err != nil {
						b.Error(o.Err)
						return
					}
				}
			}
		})
	}
	for done := 0; done < n; {
		batch := make([]tidings.ContactChange, min(benchBatch, n-done))
		for i := range batch {
			batch[i] = p.change(done + i)
		}
		batches <- batch
		done += len(batch)
	}
	close(batches)
	workers.Wait()
}

func BenchmarkImportContacts(b *testing.B) {
	s := withFields(b)
	b.ResetTimer()
	importPeople(b, s, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "contacts/s")
	b.StopTimer()
	reportDisk(b, s, b.N)
}

// BenchmarkContacts asks a store of a million contacts.
func BenchmarkContacts(b *testing.B) {
	total := contactsStored
	s := withFields(b)
	importPeople(b, s, total)
	b.Run("get", func(b *testing.B) {
		for i := range b.N {
			if _, err := s.Contact(context.Background(), 1, tidings.ContactID(1+i*7919%total)); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, text := range []string{"a", "an", "anna", "anna b", "anna ba", "a b", "an ba", "zo zo", "3", "380", "38000", "380001", "anna.", "anna.bo", "c-1", "1", "12345", "q", "qq qq"} {
		b.Run("search="+text, func(b *testing.B) {
			n := 0
			for range b.N {
				found, err := s.SearchContacts(context.Background(), 1, text, 20)
				if err != nil {
					b.Fatal(err)
				}
				n = len(found)
			}
			b.ReportMetric(float64(n), "found")
		})
	}
	b.Run("count", func(b *testing.B) {
		c := tidings.Condition{Field: "PERSONAL.BONUS", Op: tidings.Greater, Values: []string{"900"}}
		for range b.N {
			n, _, err := s.Matching(context.Background(), 1, &c, 0)
			if err != nil || n < int64(total/20) {
				b.Fatal(n, err)
			}
		}
	})
}
