package browser

import (
	_ "embed"
	"fmt"
	"strings"
)

// axe is axe-core 4.14.1 (MPL 2.0, testdata/axe.LICENSE.txt), which judges
// pages by the rules of WCAG.
//
//go:embed testdata/axe.min.js
var axe string

// violation is a rule that the page breaks, as axe-core tells it.
type violation struct {
	ID, Help, Impact string
	Nodes            []struct {
		HTML, FailureSummary string
		Target               []any
	}
}

// Accessible checks the page as it is now by the rules of WCAG 2.1, levels A
// and AA, or by the named ones only, and notes each violation as an error of the test.
func (p *Tab) Accessible(rules ...string) {
	p.t.Helper()
	only := `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}`
	if len(rules) > 0 {
		only = `{type: "rule", values: ["` + strings.Join(rules, `", "`) + `"]}`
	}
	_, err := eval[bool](p, `window.axe ? true : (()=>{`+axe+`})() ?? true`)
	p.do("load axe-core", err)
	found, err := evalAwait[[]violation](p, `axe.run(document, {runOnly: `+only+`, resultTypes: ["violations"], iframes: false}).then(r => r.violations)`)
	p.do("run axe-core", err)
	for _, v := range found {
		words := fmt.Sprintf("%s: %s (%s, %s)", p.Path(), v.Help, v.ID, v.Impact)
		for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
			words += "\n  " + fmt.Sprint(n.Target...) + " " + n.HTML[:min(200, len(n.HTML))] + "\n    " + strings.ReplaceAll(n.FailureSummary, "\n", "\n    ")
		}
		if more := len(v.Nodes) - 3; more > 0 {
			words += fmt.Sprintf("\n  and %d more", more)
		}
		p.t.Error(words)
	}
}

// Fits checks that nothing of the page is beside the window: it does not scroll sideways.
func (p *Tab) Fits(width int64) {
	p.t.Helper()
	p.Resize(width, 900)
	var wide struct {
		Is, Room int
		By       []string
	}
	p.Eval(`(() => {
		const room = document.documentElement.clientWidth, is = document.scrollingElement.scrollWidth;
		const by = is <= room ? [] : [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > room + 1 && e.checkVisibility())
			.slice(-4).map(e => e.outerHTML.slice(0, 140));
		return {is, room, by};
	})()`, &wide)
	if wide.Is > wide.Room {
		p.t.Errorf("%s scrolls sideways: it is %d px wide in a window of %d; %s", p.Path(), wide.Is, wide.Room, strings.Join(wide.By, "\n  "))
	}
}

// Weight gives the bytes of style sheets and scripts that the tab has loaded,
// as they lay on the wire.
func (p *Tab) Weight() (bytes int64, files []string) {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	for url, n := range p.watch.sizes {
		bytes += n
		files = append(files, url)
	}
	return bytes, files
}
