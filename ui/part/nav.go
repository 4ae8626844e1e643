package part

import "strings"

// Link is a text and where it leads.
type Link struct{ Label, Href string }

// NavGroup is one entry of the navigation and those under it.
type NavGroup struct {
	Link
	Under []Link
}

// DefaultNav is the navigation of an account's pages; operators see the nodes
// of the installation too.
func DefaultNav(operator bool) []NavGroup {
	settings := []Link{
		{"Laboratory", "/settings/laboratory"},
		{"Fields", "/settings/fields"},
		{"Sources", "/settings/sources"},
		{"Email", "/settings/email"},
		{"API keys", "/settings/keys"},
		{"Users", "/settings/users"},
		{"Audit", "/settings/audit"},
	}
	if operator {
		settings = append(settings, Link{"Nodes", "/settings/nodes"})
	}
	return []NavGroup{
		{Link: Link{"Dashboard", "/"}},
		{Link: Link{"Activities", "/activities"}},
		{Link: Link{"Contacts", "/contacts"}, Under: []Link{{"Segments", "/contacts/segments"}, {"Events", "/contacts/events"}}},
		{Link: Link{"Messages", "/messages"}, Under: []Link{{"Broadcasts", "/messages/broadcasts"}, {"Outbox", "/messages/outbox"}}},
		{Link: Link{Label: "Automation"}, Under: []Link{{"Workflows", "/automation/workflows"}, {"Webhooks", "/automation/webhooks"}, {"Runs", "/automation/runs"}, {"Calls", "/automation/calls"}}},
		{Link: Link{Label: "Settings"}, Under: settings},
	}
}

// current is the href of the navigation that the path belongs to: the longest
// that the path is under.
func current(nav []NavGroup, path string) string {
	best := ""
	try := func(l Link) {
		under := path == l.Href || l.Href != "/" && strings.HasPrefix(path, l.Href+"/")
		if l.Href != "" && under && len(l.Href) > len(best) {
			best = l.Href
		}
	}
	for _, g := range nav {
		try(g.Link)
		for _, l := range g.Under {
			try(l)
		}
	}
	return best
}
