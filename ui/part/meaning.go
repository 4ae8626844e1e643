package part

// Meaning is what a colour says. A meaning is never shown by colour alone: a
// word stands beside it.
type Meaning string

// The meanings.
const (
	Quiet   Meaning = ""        // nothing to see: deactivated, ended, unknown
	Good    Meaning = "good"    // as it should be
	Waiting Meaning = "waiting" // not yet: retried, scheduled, to be confirmed
	Bad     Meaning = "bad"     // someone must look
)

// class names the meaning for the stylesheet.
func (m Meaning) class() string {
	switch m {
	case Good, Waiting, Bad:
		return "m-" + string(m)
	}
	return "m-quiet"
}

// icon names the sign that stands before a text of this meaning.
func (m Meaning) icon() string {
	switch m {
	case Good:
		return "check"
	case Waiting:
		return "clock"
	case Bad:
		return "warning"
	}
	return "info"
}

// word is the meaning in one word, for those who don't see the colour.
func (m Meaning) word() string {
	switch m {
	case Good:
		return "Done"
	case Waiting:
		return "Note"
	case Bad:
		return "Problem"
	}
	return "Note"
}
