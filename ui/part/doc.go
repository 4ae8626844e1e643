// Package part holds the components that the browser's pages are made of: the
// shell around a page, and what stands in it (buttons, fields, tables, trees,
// charts, …), one templ file each.
//
// A component takes a view (a struct of plain values) or a few arguments, and
// children where something stands within it. A view's zero value is a good
// default. Everything that comes from outside is escaped. Nothing here knows
// an account, a store or a request: a page maker turns nouns into views.
//
// What the pages may rely on and must keep:
//   - The Content-Security-Policy allows no inline style, no inline script and
//     no on* handler. Widths that vary are SVG attributes, <progress> or
//     classes. Behaviour is in static/tidings.js, which is told what to do by
//     data-* attributes and works on whatever htmx swaps in.
//   - Forms and links work without script. Script adds: dialogs in place,
//     counting down, highlighting, picking.
//   - Colours are tokens of static/tidings.css. A status is a dot and a word.
//   - Tests hold that every control has a label and every error is tied to it.
package part
