package main

// paint colours words for a terminal; off, it leaves them as they are.
type paint bool

func (p paint) good(s string) string  { return p.in("32", s) }
func (p paint) bad(s string) string   { return p.in("31", s) }
func (p paint) loud(s string) string  { return p.in("1;37;41", s) }
func (p paint) wait(s string) string  { return p.in("33", s) }
func (p paint) faint(s string) string { return p.in("2", s) }
func (p paint) bold(s string) string  { return p.in("1", s) }

func (p paint) in(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
