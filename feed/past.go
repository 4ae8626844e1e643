package feed

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"tidings"
)

// Kept says whether a batch of the past can still be shown.
type Kept string

// The ways in which it can, or can't.
const (
	KeptExact   Kept = "exact"   // byte for byte, as its digest proves
	KeptNot     Kept = "not"     // the endpoint's filter was another one then: what it let through is not known
	KeptDropped Kept = "dropped" // retention has dropped activities of its range
)

// PastBatch cuts a batch that was attempted out of the feed once more: nothing
// but the feed keeps its body. The endpoint's filter of now is tried, and none
// at all; the digest tells whether that was the one. The batch is nil unless it
// is KeptExact. Of log only Read is asked.
//
// With most > 0, begin has the body with the first activities alone, at most that many.
func PastBatch(ctx context.Context, log reader, ep *tidings.Endpoint, a tidings.Attempt, most int) (whole, begin *Batch, kept Kept, err error) {
	cut := tidings.Cut{MaxItems: max(a.Activities, 1), MaxBytes: a.Bytes}
	for _, cut.Filter = range []tidings.Filter{ep.Filter, {}} {
		var missing bool
		if whole, missing, err = cutAgain(ctx, log, ep.Account, a, cut); err != nil {
			return nil, nil, "", err
		}
		if missing {
			return nil, nil, KeptDropped, nil
		}
		if whole != nil && whole.Digest == a.Digest {
			break
		}
		whole = nil
	}
	if whole == nil {
		return nil, nil, KeptNot, nil
	}
	begin = whole
	if most > 0 && most < whole.Activities {
		cut.MaxItems = most
		if begin, _, err = cutAgain(ctx, log, ep.Account, a, cut); err != nil {
			return nil, nil, "", err
		}
	}
	return whole, begin, KeptExact, nil
}

// cutAgain cuts the first batch of an attempt's range.
func cutAgain(ctx context.Context, log reader, account tidings.AccountID, a tidings.Attempt, cut tidings.Cut) (b *Batch, missing bool, err error) {
	pos := tidings.Position{Endpoint: a.Endpoint, Cursor: a.First - 1, Scanned: a.First - 1, Plan: tidings.Plan{End: a.Last, Cut: cut}}
	c := newCutter(log, account, pos)
	b, err = c.next(ctx)
	return b, c.missing > 0, err
}

// Masked stands for what is secret.
const Masked = "••••"

// PastHeaders gives the headers of an attempt by the endpoint's options of now,
// in the order of their importance, with all that is secret masked. previous is
// the batch delivered before; "" when there was none, or it is not known.
func PastHeaders(ep *tidings.Endpoint, a tidings.Attempt, previous tidings.BatchID, userAgent string) []tidings.Header {
	rows := []tidings.Header{
		{Name: "Content-Type", Value: "application/json; charset=utf-8"},
		{Name: "User-Agent", Value: userAgent},
		{Name: "Tidings-Sequence", Value: fmt.Sprintf("%d-%d", a.First, a.Last)},
		{Name: "Tidings-Attempt", Value: strconv.Itoa(a.Number)},
	}
	if previous != "" {
		rows = append(rows, tidings.Header{Name: "Tidings-Previous", Value: string(previous)})
	}
	rows = append(rows, tidings.Header{Name: "webhook-id", Value: string(a.Batch)})
	if len(ep.Secrets) > 0 {
		rows = append(rows,
			tidings.Header{Name: "webhook-timestamp", Value: strconv.FormatInt(a.At.Unix(), 10)},
			tidings.Header{Name: "webhook-signature", Value: "v1," + Masked})
	}
	if ep.Auth != nil {
		rows = append(rows, tidings.Header{Name: "Authorization", Value: "Basic " + Masked})
	}
	for _, h := range ep.Headers {
		rows = append(rows, tidings.Header{Name: http.CanonicalHeaderKey(h.Name), Value: Masked})
	}
	return rows
}
