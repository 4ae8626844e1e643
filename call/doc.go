// Package call sends a webhook: one outbound request made of templates, used
// alike by a run of a workflow and by "Send test".
//
// The way of a call, and the file of each step:
//
//	check.go        what may be saved; header.go: which headers
//	prepare.go      the templates are parsed; inputs.go: what they need, found without running them
//	render.go       what they see is package scope; URL, headers and body are rendered with marks where values go
//	fill*.go        each value is escaped for where it stands: URL, header, JSON, XML, text
//	lint.go         the request is checked, with line and column, before it leaves
//	connector.go    credentials come last, and are known to mask.go
//	hosts.go        how many at once, and not to a host that keeps failing (breaker.go)
//	call.go         the tries; retry.go: whether and when again; verdict.go: what an answer means
//	reply*.go       the reply becomes a value; expressions.go: how templates reach each part of it
//
// # Escaping by place
//
// A template writes text and values. The text is the author's and stays as it is; values are data
// and must arrive as they are, whatever they hold. So a render first writes a
// mark for each value. The text with its marks has the structure that the author gave it, and the place of
// each mark in it says how to escape the value that replaces it. Data can
// therefore not change the structure of a request, nor run as a template.
package call
