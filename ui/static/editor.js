// Keys of the workflow editor. Everything that they do is a link or a button that is there without them.
(() => {
"use strict";
const $ = (s, at = document) => at.querySelector(s);
const cards = () => [...document.querySelectorAll("[data-flow] [data-card]")];
const typing = el => el.matches("input, textarea, select, [contenteditable]");

// nearest gives the card that lies next to another one in a direction.
const nearest = (from, dx, dy) => {
  const a = from.getBoundingClientRect();
  let best, least = Infinity;
  for (const card of cards()) {
    if (card === from) continue;
    const b = card.getBoundingClientRect();
    const x = (b.left + b.right - a.left - a.right) / 2, y = (b.top + b.bottom - a.top - a.bottom) / 2;
    const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead < 4) continue;
    const far = ahead + 2 * aside;
    if (far < least) { least = far; best = card; }
  }
  return best;
};
const arrows = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]};

document.addEventListener("keydown", e => {
  if (!$("[data-editor]") || $("dialog[open]")) return;
  if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "z" && !typing(e.target)) {
    e.preventDefault();
    $(e.shiftKey ? "[data-redo]" : "[data-undo]")?.click();
    return;
  }
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const card = e.target.closest?.("[data-card]");
  if (!card) {
    if (arrows[e.key] && e.target === document.body) { ($("[data-card][aria-current]") || cards()[0])?.focus(); e.preventDefault(); }
    return;
  }
  if (arrows[e.key]) {
    const to = nearest(card, ...arrows[e.key]);
    if (to) { e.preventDefault(); to.focus(); to.scrollIntoView({block: "nearest", inline: "nearest"}); }
  } else if (e.key === "a" || e.key === "+") {
    e.preventDefault();
    // The place after a card is the next one in the list; a card with ways has one on each.
    const all = [...document.querySelectorAll("[data-flow] [data-add], [data-flow] [data-card]")];
    all.slice(all.indexOf(card)).find(el => el.dataset.add)?.click();
  } else if ((e.key === "Delete" || e.key === "Backspace") && card.dataset.remove) {
    e.preventDefault();
    htmx.ajax("GET", card.dataset.remove, {target: "#dialogs", swap: "innerHTML"});
  }
});

// The flow stays where it was scrolled to, and the chosen card keeps the focus.
let left = 0, focused = "";
document.addEventListener("htmx:beforeSwap", e => {
  if (e.target.id !== "editor") return;
  left = $("[data-flow]").scrollLeft;
  focused = document.activeElement?.closest?.("[data-card], [data-add]") ? "[data-card][aria-current]" : "";
});
const settle = () => {
  const flow = $("[data-flow]");
  if (!flow || flow.placed) return;
  flow.placed = true;
  flow.scrollLeft = left || (flow.scrollWidth - flow.clientWidth) / 2;
  if ($("#dialogs dialog")) $("#dialogs").replaceChildren();
  if (focused && !$("[autofocus]", $("#editor"))) $(focused)?.focus({preventScroll: true});
};
document.addEventListener("htmx:afterSettle", settle);
settle();
})();
