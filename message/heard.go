package message

import (
	"context"
	"log/slog"
	"time"

	"tidings"
)

// HeardStore is what Heard asks of a store.
type HeardStore interface {
	SettleMail(ctx context.Context, o tidings.MailOutcome) error
	Track(ctx context.Context, h tidings.Hit) error
}

// Heard gives what an Inbound does with a report (InboundOptions.Take): a bounce
// makes the mail a failed one, with the server's words, and black-lists an
// address that is dead; a complaint makes SPAM. Both bear repetition. What is of
// no mail that is kept is logged, and done with. now is the clock, nil = time.Now; log nil = slog.Default().
func Heard(store HeardStore, now func() time.Time, log *slog.Logger) func(context.Context, Report) error {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.Default()
	}
	return func(ctx context.Context, r Report) error {
		var err error
		switch {
		case r.Kind != ReportBounced && r.Kind != ReportComplained:
			return nil
		case r.Mail == 0:
			log.Warn("a report is of no mail of ours", "kind", string(r.Kind), "recipient", r.Recipient, "format", r.Format)
			return nil
		case r.Kind == ReportBounced:
			err = store.SettleMail(ctx, tidings.MailOutcome{
				Mail: tidings.MailID(r.Mail), At: now(), State: tidings.MailFailed, Error: r.Description, Permanent: r.Permanent,
			})
		default:
			err = store.Track(ctx, tidings.Hit{Mail: tidings.MailID(r.Mail), Kind: tidings.HitComplaint, At: now()})
		}
		if tidings.CodeOf(err) == tidings.CodeNotFound {
			log.Warn("a report is of a mail that is not kept any more", "kind", string(r.Kind), "mail", r.Mail)
			return nil
		}
		return err
	}
}
