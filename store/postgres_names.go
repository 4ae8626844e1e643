package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tidings"
)

// pgIDs is contacts' ids that are this store's to give: 32 come with one look
// at the sequence.
type pgIDs struct{ next, end tidings.ContactID }

// idBlock is the increment of the sequence of contacts' ids.
const idBlock = 32

// contactID gives an id once, whatever becomes of the transaction.
func (e *pgEngine) contactID(w *contactWriter) (tidings.ContactID, error) {
	if e.ids.next == e.ids.end {
		var first tidings.ContactID
		if err := w.tx.row(`SELECT nextval(pg_get_serial_sequence('contact', 'id'))`).Scan(&first); err != nil {
			return 0, err
		}
		e.ids = pgIDs{first, first + idBlock}
	}
	e.ids.next++
	return e.ids.next - 1, nil
}

func (e *pgEngine) giveBack(*contactWriter) { e.ids.next-- }

// putNames stores all words with one statement.
func (e *pgEngine) putNames(tx *writeTx, account tidings.AccountID, names []contactName) error {
	var known, contacts []int64
	var words []string
	for _, name := range names {
		if name.known {
			known = append(known, int64(name.id))
		}
		for _, word := range foldedWords(name.words) {
			contacts, words = append(contacts, int64(name.id)), append(words, word)
		}
	}
	if len(known) > 0 {
		e.pg.later(`DELETE FROM contact_word WHERE contact = ANY($1::bigint[])`, known)
	}
	if len(words) > 0 {
		e.pg.later(`INSERT INTO contact_word (account, word, contact) SELECT $1, word, contact FROM unnest($2::text[], $3::bigint[]) AS w (word, contact)`, int64(account), words, contacts)
	}
	return nil
}

func (e *pgEngine) dropName(_ *writeTx, _ tidings.AccountID, id tidings.ContactID) error {
	e.pg.later(`DELETE FROM contact_word WHERE contact = $1`, int64(id))
	return nil
}

func (e *pgEngine) findNames(account tidings.AccountID, words []string, limit int) (string, []any) {
	args := []any{account, limit}
	begins := func(alias, word string) string {
		args = append(args, word, word+"\U0010FFFF")
		return fmt.Sprintf("%[1]s.account = $1 AND %[1]s.word >= $%[2]d AND %[1]s.word < $%[3]d", alias, len(args)-1, len(args))
	}
	words = foldedWords(strings.Join(words, " "))
	if len(words) == 0 {
		return `SELECT id FROM contact WHERE account = $1 AND id < 0 LIMIT $2`, args
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the rarest beginnings first
	query := `SELECT DISTINCT a.contact FROM contact_word a WHERE ` + begins("a", words[0])
	for _, word := range words[1:] {
		query += ` AND EXISTS (SELECT 1 FROM contact_word b WHERE b.contact = a.contact AND ` + begins("b", word) + `)`
	}
	return query + ` ORDER BY a.contact LIMIT $2`, args
}

// foldedWords gives the words of a name in small letters, without the marks
// on them, each once.
func foldedWords(name string) []string {
	folded := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(name))
	words := strings.Fields(folded)
	slices.Sort(words)
	return slices.Compact(words)
}
