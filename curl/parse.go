package curl

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads one curl command of at most MaxCommand bytes. Errors are of type
// *SyntaxError and repeat names of options, never values: these may be secret.
func Parse(command string) (Request, error) {
	switch {
	case len(command) > MaxCommand:
		return Request{}, &SyntaxError{1, 1, fmt.Sprintf("the command is longer than %d bytes", MaxCommand)}
	case !utf8.ValidString(command):
		return Request{}, &SyntaxError{1, 1, "the command is not UTF-8"}
	}
	words, err := cutWords(command)
	if err != nil {
		return Request{}, err
	}
	if len(words) > 0 && (words[0].text == "$" || words[0].text == "%" || words[0].text == ">") {
		words = words[1:] // the prompt, copied along
	}
	if len(words) == 0 || !isCurl(words[0].text) {
		return Request{}, &SyntaxError{1, 1, "this is not a curl command: it begins with the word curl"}
	}
	p := &parser{src: command, words: words[1:]}
	for p.more() {
		if err := p.argument(); err != nil {
			return Request{}, err
		}
	}
	return p.finish()
}

func isCurl(name string) bool {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return strings.EqualFold(strings.TrimSuffix(strings.ToLower(name), ".exe"), "curl")
}

// parser goes through the words of one command.
type parser struct {
	src   string
	words []word // that are left
	at    int    // where the argument in hand began
	out   Request

	urlAt    int
	data     []string // pieces of the body, to be joined by &
	json     bool     // --json was given
	jsonText []string // its pieces, to be joined as they are
	toQuery  bool     // -G
	query    []string // of --url-query
	unwanted []string // headers that -H 'Name:' takes away
	literal  bool     // after --
}

func (p *parser) fail(format string, args ...any) error {
	return syntaxError(p.src, p.at, format, args...)
}

func (p *parser) more() bool { return len(p.words) > 0 }

func (p *parser) take() string {
	w := p.words[0]
	p.words = p.words[1:]
	p.at = w.at
	return w.text
}

// argument reads one option with its value, or a URL.
func (p *parser) argument() error {
	text := p.take()
	switch {
	case !utf8.ValidString(text):
		return p.fail("this is not UTF-8: write the characters themselves")
	case p.literal || text == "-" || !strings.HasPrefix(text, "-"):
		return p.addURL(nil, text)
	case text == "--":
		p.literal = true
		return nil
	case strings.HasPrefix(text, "--"):
		return p.long(text[len("--"):])
	}
	return p.shorts(text[1:])
}

func (p *parser) long(name string) error {
	o := findOption(name)
	if o == nil {
		return p.fail("the option --%.40s is not known here: leave it out if the request does not need it", printable(name))
	}
	if !o.value {
		return o.do(p, o, "")
	}
	if !p.more() {
		return p.fail("--%s needs a value after it", o.long)
	}
	return p.run(o, p.take())
}

// shorts reads -s, -sS, -XPOST, -sXPOST and the like.
func (p *parser) shorts(letters string) error {
	for i := range len(letters) {
		o := findShort(letters[i])
		switch {
		case o == nil:
			return p.fail("the option -%s is not known here: leave it out if the request does not need it", printable(letters[i:i+1]))
		case !o.value:
			if err := o.do(p, o, ""); err != nil {
				return err
			}
			continue
		case i+1 < len(letters):
			return p.run(o, letters[i+1:])
		case !p.more():
			return p.fail("-%c needs a value after it", o.short)
		}
		return p.run(o, p.take())
	}
	return nil
}

func (p *parser) run(o *option, value string) error {
	if !utf8.ValidString(value) {
		return p.fail("the value of --%s is not UTF-8: write the characters themselves", o.long)
	}
	return o.do(p, o, value)
}

// printable shows a name that may be anything.
func printable(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

func (p *parser) setMethod(_ *option, value string) error {
	if value == "" {
		return p.fail("-X needs a method after it")
	}
	p.out.Method = value
	return nil
}

func (p *parser) addURL(_ *option, value string) error {
	switch {
	case value == "":
		return p.fail("the URL is empty")
	case p.out.URL != "":
		return p.fail("a second URL stands here: quote values that have blanks in them, and give one request at a time")
	}
	p.out.URL, p.urlAt = value, p.at
	return nil
}

// addHeader reads "Name: value", "Name;" (sent empty) and "Name:" (not sent).
func (p *parser) addHeader(_ *option, row string) error {
	if strings.HasPrefix(row, "@") {
		return p.fail("-H @ reads a file, and nothing is read from files here: give the headers themselves")
	}
	name, value, colon := strings.Cut(row, ":")
	value = strings.Trim(value, " \t")
	switch {
	case !colon && strings.HasSuffix(row, ";"):
		name = strings.TrimSuffix(row, ";")
	case !colon:
		return p.fail("a header is written as 'Name: value'")
	case value == "":
		p.unwanted = append(p.unwanted, strings.TrimSpace(name))
		return nil
	}
	if strings.TrimSpace(name) == "" {
		return p.fail("a header needs a name before the colon")
	}
	p.out.Headers = append(p.out.Headers, Header{strings.TrimSpace(name), value})
	return nil
}

// setHeader sets a header that an option of its own stands for.
func (p *parser) setHeader(name, value string) {
	p.out.Headers = append(p.out.Headers, Header{name, value})
}

func (p *parser) setUser(_ *option, value string) error {
	user, password, _ := strings.Cut(value, ":")
	p.out.Basic = &Basic{user, password}
	return nil
}

func (p *parser) setBearer(_ *option, value string) error {
	p.setHeader("Authorization", "Bearer "+value)
	return nil
}

func (p *parser) addCookie(_ *option, value string) error {
	if !strings.Contains(value, "=") {
		return p.fail("-b reads a file when its value has no =, and nothing is read from files here: give the cookies as name=value")
	}
	p.setHeader("Cookie", value)
	return nil
}

func (p *parser) setTimeout(_ *option, value string) error {
	if seconds, err := strconv.ParseFloat(value, 64); err != nil || !(seconds >= 0 && seconds <= 1e6) {
		return p.fail("-m needs a number of seconds after it")
	}
	p.out.Timeout = value
	return nil
}

func (p *parser) addData(_ *option, value string) error {
	if strings.HasPrefix(value, "@") {
		return p.fail("-d @ reads a file, and nothing is read from files here: put the file's content in its place; data that begins with @ is given by --data-raw")
	}
	return p.addRaw(nil, value)
}

func (p *parser) addRaw(_ *option, value string) error {
	p.data, p.out.HasBody = append(p.data, value), true
	return nil
}

// addEncoded reads --data-urlencode: content, =content or name=content.
func (p *parser) addEncoded(_ *option, value string) error {
	encoded, err := p.encoded(value)
	if err != nil {
		return err
	}
	return p.addRaw(nil, encoded)
}

func (p *parser) encoded(value string) (string, error) {
	name, content, ok := strings.Cut(value, "=")
	if at := strings.IndexByte(value, '@'); at >= 0 && (!ok || at < len(name)) {
		return "", p.fail("@ reads a file here, and nothing is read from files: put the file's content in its place, after a =")
	}
	switch {
	case !ok:
		return escape(value), nil
	case name == "":
		return escape(content), nil
	}
	return name + "=" + escape(content), nil
}

// reference is a template's way to a value.
var reference = regexp.MustCompile(`\$!?(?:\{[^{}]*\}|[A-Za-z_][A-Za-z0-9_.]*)`)

// escape writes a value as a form does, and leaves references of templates
// ($name, ${a.b}, $!{x}) as they stand: they are escaped when they have a value.
func escape(value string) string {
	var b strings.Builder
	last := 0
	for _, at := range reference.FindAllStringIndex(value, -1) {
		b.WriteString(url.QueryEscape(value[last:at[0]]))
		b.WriteString(value[at[0]:at[1]])
		last = at[1]
	}
	b.WriteString(url.QueryEscape(value[last:]))
	return b.String()
}

// addJSON reads --json: pieces that are joined as they are.
func (p *parser) addJSON(_ *option, value string) error {
	if strings.HasPrefix(value, "@") {
		return p.fail("--json @ reads a file, and nothing is read from files here: put the file's content in its place")
	}
	p.json, p.out.HasBody = true, true
	p.jsonText = append(p.jsonText, value)
	return nil
}

func (p *parser) dataInQuery(*option, string) error {
	p.toQuery = true
	return nil
}

func (p *parser) addQuery(_ *option, value string) error {
	if plain, ok := strings.CutPrefix(value, "+"); ok {
		p.query = append(p.query, plain)
		return nil
	}
	encoded, err := p.encoded(value)
	if err != nil {
		return err
	}
	p.query = append(p.query, encoded)
	return nil
}

// finish puts together what the options gave.
func (p *parser) finish() (Request, error) {
	r := &p.out
	if r.URL == "" {
		return Request{}, &SyntaxError{1, 1, "the command has no URL"}
	}
	if p.json {
		p.data = append(p.data, strings.Join(p.jsonText, ""))
	}
	body := strings.Join(p.data, "&")
	if p.toQuery {
		if body != "" {
			p.query = append(p.query, body)
		}
		r.HasBody, body = false, ""
	}
	if len(p.query) > 0 {
		r.URL = withQuery(r.URL, strings.Join(p.query, "&"))
	}
	r.Body = body
	if p.json {
		p.byDefault("Content-Type", "application/json")
		p.byDefault("Accept", "application/json")
	} else if r.HasBody {
		p.byDefault("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.Method == "" {
		r.Method = http.MethodGet
		if r.HasBody {
			r.Method = http.MethodPost
		}
	}
	return *r, nil
}

// byDefault adds a header that curl sends unless the command says otherwise.
func (p *parser) byDefault(name, value string) {
	given := func(have string) bool { return strings.EqualFold(have, name) }
	if !slices.ContainsFunc(p.unwanted, given) && !slices.ContainsFunc(p.out.Headers, func(h Header) bool { return given(h.Name) }) {
		p.setHeader(name, value)
	}
}

// withQuery adds to a URL's query, before its fragment.
func withQuery(raw, query string) string {
	raw, fragment, hash := strings.Cut(raw, "#")
	switch {
	case !strings.Contains(raw, "?"):
		raw += "?"
	case !strings.HasSuffix(raw, "?") && !strings.HasSuffix(raw, "&"):
		raw += "&"
	}
	raw += query
	if hash {
		raw += "#" + fragment
	}
	return raw
}
