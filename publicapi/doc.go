// Package publicapi is the compatibility door: the part of the platform's
// Public API that existing clients poll for activities.
//
//	GET /api/v2/contacts/activity   handler.go: who asks, for what; the pages
//	GET /api/v1/contactActivity     the older name, with startindex
//	                                query.go: the parameters; row.go: the form of a row
//
// It takes what such clients send: any user name with the key as password, a
// slash at the end of the path, a ? with nothing after it, a body on GET,
// parameters it does not know. It answers as they expect: a bare array, each
// row with its offset, and errors as plain text.
//
// Where the published form is silent, this door decides: times are UTC, dateTo
// is included (a day with all of it, a time with its second), the interval is
// at most 3 months (92 days from dateFrom to dateTo), rows come in the order of
// the feed. The header TotalCount is left out: counting would mean to find all.
package publicapi
