package message

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tidings"
)

// heardStore notes what it is told.
type heardStore struct {
	told  string
	fault error
}

func (h *heardStore) SettleMail(_ context.Context, o tidings.MailOutcome) error {
	h.told = fmt.Sprintf("mail %d %s fence %d at %s permanent %v: %s", o.Mail, o.State, o.Fence, o.At.Format("15:04"), o.Permanent, o.Error)
	return h.fault
}

func (h *heardStore) Track(_ context.Context, hit tidings.Hit) error {
	h.told = fmt.Sprintf("mail %d %s at %s", hit.Mail, hit.Kind, hit.At.Format("15:04"))
	return h.fault
}

func TestWhatIsHeardOfAMailIsStored(t *testing.T) {
	away := tidings.Errorf(tidings.CodeUnavailable, "away")
	for _, c := range []struct {
		report Report
		fault  error
		told   string
		err    error
	}{
		{Report{Mail: 7, Kind: ReportBounced, Description: "smtp;550 5.1.1 no", Permanent: true}, nil, "mail 7 failed fence 0 at 12:00 permanent true: smtp;550 5.1.1 no", nil},
		{Report{Mail: 7, Kind: ReportBounced}, away, "mail 7 failed fence 0 at 12:00 permanent false: ", away},
		{Report{Mail: 7, Kind: ReportComplained}, nil, "mail 7 complaint at 12:00", nil},
		{Report{Mail: 7, Kind: ReportComplained}, tidings.Errorf(tidings.CodeNotFound, "gone"), "mail 7 complaint at 12:00", nil},
		{Report{Kind: ReportBounced}, away, "", nil},
		{Report{Mail: 7, Kind: ReportDelayed}, away, "", nil},
		{Report{Mail: 7, Kind: ReportIgnored}, away, "", nil},
	} {
		s := &heardStore{fault: c.fault}
		err := Heard(s, func() time.Time { return noon() }, quiet())(context.Background(), c.report)
		if s.told != c.told || err != c.err {
			t.Errorf("%+v: %q, %v; want %q, %v", c.report, s.told, err, c.told, c.err)
		}
	}
}
