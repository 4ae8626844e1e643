package browser

import (
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Keys for Press.
const (
	Tabulator = kb.Tab
	Enter     = kb.Enter
	Space     = " "
	Escape    = kb.Escape
	Down      = kb.ArrowDown
	Up        = kb.ArrowUp
	Delete    = kb.Delete
)

// clickable are the roles of what one clicks by its name alone.
func clickable() []string {
	return []string{"button", "link", "tab", "menuitem", "switch", "checkbox", "radio", "DisclosureTriangle"}
}

// fields are the roles of what one types into.
func fields() []string { return []string{"textbox", "searchbox", "spinbutton", "combobox"} }

// point finds where on a node a click lands on it or its label, after bringing
// it into view.
const point = `function() {
	this.scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
	const own = [this, ...(this.labels ?? [])];
	let above;
	for (const el of own) for (const box of el.getClientRects()) {
		if (box.width < 4 || box.height < 4) continue;
		const x = box.x + box.width / 2, y = box.y + box.height / 2;
		above = document.elementFromPoint(x, y);
		if (above && own.some(o => o === above || o.contains(above))) return {x, y};
	}
	return {why: above ? "it is covered by " + above.outerHTML.slice(0, 120) : "it has no place on the screen"};
}`

// spot is a point of the window, or why there is none.
type spot struct {
	X, Y float64
	Why  string
}

// Click clicks what has a name: a button, link, tab, menu entry, slide button,
// checkbox, radio button, or the head of a section that folds. It waits until
// it is there once and not covered, and then until what comes of it has come.
func (p *Tab) Click(name string) {
	p.t.Helper()
	p.click(name, clickable())
}

// ClickThe is Click for one role, e.g. "switch", "link" or "option".
func (p *Tab) ClickThe(role, name string) {
	p.t.Helper()
	p.click(name, []string{role})
}

func (p *Tab) click(name string, roles []string) {
	p.t.Helper()
	p.until(func() string {
		n, err := p.find(name, roles...)
		if err != nil {
			return err.Error()
		}
		at, err := call[spot](p, n.id, point)
		switch {
		case err != nil:
			return err.Error()
		case at.Why != "":
			return fmt.Sprintf("%s can't be clicked: %s", n, at.Why)
		}
		if err := chromedp.Do(p.ctx, chromedp.MouseClickXY(at.X, at.Y)); err != nil {
			return err.Error()
		}
		return ""
	})
	p.settle()
}

// Fill types into the field with a label, in place of what is there.
func (p *Tab) Fill(label, text string) {
	p.t.Helper()
	p.until(func() string {
		n, err := p.find(label, fields()...)
		if err != nil {
			return err.Error()
		}
		if _, err = call[bool](p, n.id, `function() { this.scrollIntoView({block: "center", behavior: "instant"}); this.focus(); this.select?.(); return true }`); err != nil {
			return err.Error()
		}
		return ""
	})
	if text == "" {
		p.Press(kb.Delete)
	} else {
		_, err := chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: text})
		p.do("type into "+label, err)
	}
	p.settle()
}

// SetTime sets a field of a date or time, in the form of its value: typing
// into it depends on the browser's language.
func (p *Tab) SetTime(label, value string) {
	p.t.Helper()
	p.set(label, value, []string{"Date", "DateTime", "InputTime"}, `function(v) { this.value = v }`)
}

// Choose chooses an option of a list by its text: a person's choice is the
// browser's own window, which no page and no protocol reaches.
func (p *Tab) Choose(label, option string) {
	p.t.Helper()
	p.set(label, option, []string{"combobox", "listbox"}, `function(text) {
		const o = [...this.options].find(o => o.text.trim() === text) ?? [...this.options].find(o => o.text.trim().startsWith(text));
		if (!o) throw new Error("there is no " + text + " among " + [...this.options].map(o => o.text.trim()).join(", "));
		this.value = o.value;
	}`)
}

func (p *Tab) set(label, value string, roles []string, function string) {
	p.t.Helper()
	p.until(func() string {
		n, err := p.find(label, roles...)
		if err != nil {
			return err.Error()
		}
		_, err = call[bool](p, n.id, `function(v) {
			this.scrollIntoView({block: "center", behavior: "instant"});
			this.focus();
			(`+function+`).call(this, v);
			this.dispatchEvent(new Event("input", {bubbles: true}));
			this.dispatchEvent(new Event("change", {bubbles: true}));
			return true;
		}`, value)
		if err != nil {
			return err.Error()
		}
		return ""
	})
	p.settle()
}

// Press presses keys one after the other, where the focus is.
func (p *Tab) Press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.do("press a key", chromedp.Do(p.ctx, chromedp.KeyEvent(key)))
	}
	p.settle()
}

// Type types a text where the focus is.
func (p *Tab) Type(text string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: text})
	p.do("type", err)
}

// Focused is what has the focus: its role and name.
func (p *Tab) Focused() (role, name string) {
	p.t.Helper()
	p.until(func() string {
		n, err := p.focused()
		if err != nil {
			return err.Error()
		}
		role, name = n.role, n.name
		return ""
	})
	return role, name
}

// Value is what the field with a label holds.
func (p *Tab) Value(label string) string {
	p.t.Helper()
	var value string
	p.until(func() string {
		n, err := p.find(label, append(fields(), "Date", "DateTime")...)
		if err != nil {
			return err.Error()
		}
		if value, err = call[string](p, n.id, `function() { return this.value }`); err != nil {
			return err.Error()
		}
		return ""
	})
	return value
}

// On says whether a slide button, checkbox or radio button is on.
func (p *Tab) On(label string) bool {
	p.t.Helper()
	var on bool
	p.until(func() string {
		n, err := p.find(label, "switch", "checkbox", "radio")
		if err != nil {
			return err.Error()
		}
		if on, err = call[bool](p, n.id, `function() { return this.checked }`); err != nil {
			return err.Error()
		}
		return ""
	})
	return on
}

// Tick turns a slide button, checkbox or radio button on, if it is off.
func (p *Tab) Tick(label string) {
	p.t.Helper()
	if !p.On(label) {
		p.click(label, []string{"switch", "checkbox", "radio"})
	}
}

// Offers says whether the page has something to click of that name now.
func (p *Tab) Offers(name string) bool {
	p.t.Helper()
	p.settle()
	_, err := p.find(name, clickable()...)
	return err == nil
}
