package ui

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"tidings"
)

// exports knows how far the exports under way have come, so that the page that
// began one can show it. It is of this process, and forgets.
type exports struct {
	mu sync.Mutex
	of map[string]*progress // by user and the id that the page gave
}

// Limits of what is remembered of exports.
const (
	exportsKept = 1000
	exportKept  = 10 * time.Minute // after its last sign of life
	maxExportID = 64               // bytes
)

// progress is how far an export has come.
type progress struct {
	rows              int64
	first, last, past int64 // seqs: of the interval's ends, and of the last row
	ended, whole      bool
	seen              time.Time
}

func newExports() *exports { return &exports{of: map[string]*progress{}} }

// note changes what is known of an export.
func (e *exports) note(key string, now time.Time, change func(*progress)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.of[key]
	if p == nil {
		for old, other := range e.of {
			if len(e.of) >= exportsKept || now.Sub(other.seen) > exportKept {
				delete(e.of, old)
			}
		}
		p = &progress{}
		e.of[key] = p
	}
	p.seen = now
	change(p)
}

func (e *exports) get(key string) (progress, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.of[key]
	if p == nil {
		return progress{}, false
	}
	return *p, true
}

// offerExport gives the page the addresses of its export.
func (v *visit) offerExport(a *activitiesView, conditions url.Values) {
	id := tidings.MakeToken()[:16]
	link := func(format string) string {
		q := clone(conditions)
		q.Set("format", format)
		q.Set("id", id)
		return address("/activities/export", q)
	}
	a.NDJSON, a.CSV = link("ndjson"), link("csv")
	a.Progress = address("/activities/export/progress", url.Values{"id": {id}})
}

// exportKey names an export of this user.
func (v *visit) exportKey() string {
	return decimal(int64(v.user.ID)) + " " + tidings.CutText(v.query("id"), maxExportID)
}

// exportActivities hands the API's export on, and notes how far it is.
func (v *visit) exportActivities() error {
	q := v.pick("email", "sms", "status", "mediaType", "messageId", "messageTag", "from", "to", "format")
	key, whole := v.exportKey(), false
	defer func() {
		v.s.exports.note(key, v.s.cfg.Now(), func(p *progress) { p.ended, p.whole = true, whole })
	}()
	w := &exportWriter{through: through{w: v.w, header: http.Header{}}, v: v, key: key}
	c := v.api()
	c.serve(w, c.request(http.MethodGet, "/v1/activities/export", q, nil))
	if w.refused != nil {
		return readRefusal(w.refused)
	}
	whole = true
	return nil
}

// exportWriter reads on the way how far an export has come.
type exportWriter struct {
	through
	v   *visit
	key string
}

func (w *exportWriter) Write(p []byte) (int, error) {
	n, err := w.through.Write(p)
	if err == nil && w.refused == nil {
		w.v.s.exports.note(w.key, w.v.s.cfg.Now(), func(at *progress) {
			at.first, at.last = number(w.header.Get("Tidings-First")), number(w.header.Get("Tidings-Last"))
			at.rows += int64(bytes.Count(p, []byte{'\n'}))
			if seq := lastSeq(p); seq > 0 {
				at.past = seq
			}
		})
	}
	return n, err
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// lastSeq reads the seq of the last row of a page: {"seq":12,… or 12,…
func lastSeq(page []byte) int64 {
	page = bytes.TrimRight(page, "\r\n")
	row := page[bytes.LastIndexByte(page, '\n')+1:]
	row = bytes.TrimPrefix(row, []byte(`{"seq":`))
	digits, _, _ := bytes.Cut(row, []byte(","))
	return number(string(digits))
}

// exportShown is how far an export has come, as the page shows it.
type exportShown struct {
	Rows                  int64
	Percent               int64
	Done, Failed, Unknown bool
	Again                 string // where to ask again
}

// Ended says that nothing more will come.
func (e exportShown) Ended() bool { return e.Done || e.Failed }

func (v *visit) exportProgress() error {
	p, known := v.s.exports.get(v.exportKey())
	e := exportShown{Rows: p.rows, Unknown: !known, Done: p.ended && p.whole, Failed: p.ended && !p.whole, Again: v.r.URL.RequestURI()}
	if p.last > 0 {
		e.Percent = (100 * (p.past - p.first + 1) / (p.last - p.first + 1))
	}
	return v.part(exportState(e))
}
