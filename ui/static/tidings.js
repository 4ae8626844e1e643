// The small script of Tidings. Pages work without it as far as forms and links
// go. It listens on the document, and prepares what htmx swaps in (htmx:load).
(() => {
"use strict";
const $ = (s, at = document) => at.querySelector(s);
const $$ = (s, at = document) => [...at.querySelectorAll(s)];
const on = (type, f, capture) => document.addEventListener(type, f, capture);
// within calls f with the closest element that a selector finds around an event.
const within = (type, selector, f, capture) => on(type, e => {
  const el = e.target.closest?.(selector);
  if (el) f(el, e);
}, capture);

// Dialogs: data-open names one; data-auto opens one that was swapped in. A link
// that has either goes nowhere then: it is caught before htmx sees it.
let asker; // the field that a variable picker inserts into
const halt = e => { e.preventDefault(); e.stopPropagation(); };
const open = d => { if (d && !d.open) d.showModal(); };
within("click", "[data-open]", (el, e) => {
  const d = document.getElementById(el.dataset.open);
  if (!d || e.ctrlKey || e.metaKey) return;
  halt(e);
  if (el.dataset.for) asker = document.getElementById(el.dataset.for);
  if (asker) asker.caret = [asker.selectionStart, asker.selectionEnd];
  el.closest("details.menu")?.removeAttribute("open");
  open(d);
  if (d.id === "search") $("input", d).select();
}, true);
within("click", "[data-close]", (el, e) => {
  const d = el.closest("dialog");
  if (d) { halt(e); d.close(); }
}, true);
on("click", e => {
  if (e.target.matches("dialog")) e.target.close(); // the veil
  for (const m of $$("details.menu[open]")) if (!m.contains(e.target) || e.target.closest(".menu-item")) m.open = false;
});
on("tidings:close", e => e.target.closest("dialog")?.close());
on("close", e => { if (e.target.closest("#dialogs")) e.target.remove(); }, true);
on("keydown", e => {
  if ((e.metaKey || e.ctrlKey) && e.key === "k") { e.preventDefault(); open($("#search")); $("#search input")?.select(); }
  if (e.key === "Escape") for (const m of $$("details.menu[open]")) { m.open = false; $("summary", m).focus(); }
  const hits = $$("#search-results a");
  if (hits.length && e.target.closest("#search") && /^Arrow(Up|Down)$/.test(e.key)) {
    e.preventDefault();
    const at = hits.indexOf(document.activeElement) + (e.key === "ArrowDown" ? 1 : -1);
    (hits[at] || $("#search input")).focus();
  }
});

// A link with data-announce="x" lets those around it know by an event x that it was followed.
within("click", "[data-announce]", el => htmx.trigger(el, el.dataset.announce));

// Copying, toasts, folding trees, finding in a list.
within("click", "[data-copy]", async el => {
  try { await navigator.clipboard.writeText(el.dataset.copy); } catch {
    const t = document.body.appendChild(document.createElement("textarea"));
    t.value = el.dataset.copy; t.select(); document.execCommand("copy"); t.remove();
  }
  el.classList.add("copied");
  say("Copied.");
  setTimeout(() => el.classList.remove("copied"), 1200);
});
// say tells screen readers.
const say = text => {
  const p = document.createElement("p");
  p.className = "visually-hidden"; p.textContent = text;
  $("#toasts")?.append(p);
  setTimeout(() => p.remove(), 2000);
};
within("click", "[data-dismiss]", el => el.closest(".toast").remove());
within("click", "[data-tree]", el => $$("details", el.closest(".tree")).forEach(d => { d.open = el.dataset.tree === "open"; }));
within("input", "[data-find]", el => {
  const words = el.value.toLowerCase();
  for (const row of $$(el.dataset.find, el.parentElement)) row.hidden = !row.textContent.toLowerCase().includes(words);
});

// The theme changes at once; the form tells the server.
within("submit", "[data-theme-form]", (form, e) => {
  e.preventDefault();
  document.documentElement.dataset.theme = e.submitter.value;
  for (const b of $$("button", form)) b.setAttribute("aria-pressed", b === e.submitter);
  fetch(form.action, {method: "POST", headers: {"HX-Request": "true"}, body: new URLSearchParams({theme: e.submitter.value})});
});

// Forms: filters apply on change; a form with data-guard warns of what is unsaved.
within("change", "[data-submit-on-change]", form => form.requestSubmit());
const dirty = new WeakSet();
within("input", "form[data-guard]", form => dirty.add(form));
within("submit", "form[data-guard]", form => dirty.delete(form));
const unsaved = () => $$("form[data-guard]").some(f => dirty.has(f));
addEventListener("beforeunload", e => { if (unsaved()) e.preventDefault(); });
on("htmx:confirm", e => {
  const el = e.detail.elt;
  if (!el.matches("a") || !unsaved()) return;
  e.preventDefault();
  if (confirm("Leave without saving? What you changed here is lost.")) { $$("form[data-guard]").forEach(f => dirty.delete(f)); e.detail.issueRequest(true); }
});

// A password can be looked at while it is typed.
within("click", "[data-show]", el => {
  const field = document.getElementById(el.dataset.show), shown = field.type === "text";
  field.type = shown ? "password" : "text";
  el.setAttribute("aria-pressed", !shown);
});

// What has data-zone tells the server the browser's time zone; a button shows
// when that is another than the one it has.
const prepareZone = el => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  el.value = zone;
  if (el.matches("button") && zone !== el.dataset.zone) { el.append(zone); el.hidden = false; }
};

// Times count.
const two = n => String(n).padStart(2, "0");
const coarse = s => s < 60 ? `${s | 0} s` : s < 3600 ? `${s / 60 | 0} min` : s < 86400 ? `${s / 3600 | 0} h` : `${s / 86400 | 0} d`;
const tick = () => {
  const now = Date.now();
  for (const t of $$("[data-until]")) {
    const s = Math.ceil((Date.parse(t.dateTime) - now) / 1000);
    const text = s <= 0 ? "now" : s < 3600 ? `${two(s / 60 | 0)}:${two(s % 60)}` : `${s / 3600 | 0}:${two((s / 60 | 0) % 60)}:${two(s % 60)}`;
    if (t.textContent === text) continue;
    t.textContent = text;
    if (s <= 0) t.dispatchEvent(new Event("tidings:due", {bubbles: true}));
  }
  for (const t of $$("[data-relative]")) {
    const s = (now - Date.parse(t.dateTime)) / 1000, far = Math.abs(s);
    if (far < 604800) t.textContent = far < 1 ? "now" : s > 0 ? `${coarse(s)} ago` : `in ${coarse(-s)}`;
  }
};
setInterval(tick, 1000);

// Search selects: the list under a box.
const combo = box => ({box, list: document.getElementById(box.getAttribute("aria-controls")), hidden: $("input[type=hidden]", box.closest(".combo"))});
const fold = (c, shut) => { c.list.hidden = shut; c.box.setAttribute("aria-expanded", !shut); if (shut) c.box.removeAttribute("aria-activedescendant"); };
const mark = (c, option) => {
  for (const o of c.list.children) o.setAttribute("aria-selected", o === option);
  if (option) { c.box.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({block: "nearest"}); }
};
const pick = (c, option) => {
  if (!option || option.ariaDisabled === "true") return;
  c.box.value = option.dataset.label;
  c.hidden.value = option.dataset.value;
  fold(c, true);
  c.hidden.dispatchEvent(new Event("change", {bubbles: true}));
};
within("input", ".combo [role=combobox]", box => { combo(box).hidden.value = ""; });
within("focusout", ".combo", el => fold(combo($("[role=combobox]", el)), true));
within("mousedown", ".combo-list [role=option]", (o, e) => { e.preventDefault(); pick(combo($("[role=combobox]", o.closest(".combo"))), o); });
within("keydown", ".combo [role=combobox]", (box, e) => {
  const c = combo(box), all = [...c.list.children], at = all.findIndex(o => o.ariaSelected === "true");
  if (e.key === "ArrowDown" || e.key === "ArrowUp") {
    e.preventDefault();
    fold(c, false);
    mark(c, all.at((at + (e.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1)) % all.length));
  } else if (e.key === "Enter" && !c.list.hidden) { e.preventDefault(); pick(c, all[at] || all[0]); }
  else if (e.key === "Escape" && !c.list.hidden) { e.preventDefault(); fold(c, true); }
});
on("htmx:afterSwap", e => {
  const list = e.target;
  if (!list.matches?.(".combo-list")) return;
  const c = combo($("[role=combobox]", list.parentElement));
  [...list.children].forEach((o, i) => { o.id = `${list.id}-${i}`; });
  fold(c, document.activeElement !== c.box);
});

// Code fields: colours under a textarea whose own text is clear.
const languages = {
  json: [["string", /"(?:[^"\\\n]|\\.)*"?/], ["number", /-?\d[\d.eE+-]*|\b(?:true|false|null)\b/]],
  html: [["note", /<!--[\s\S]*?(?:-->|$)/], ["tag", /<\/?[\w:-]+|\/?>/], ["string", /"[^"\n<]*"|'[^'\n<]*'/]],
  http: [["key", /^[\w-]+(?=:)/], ["number", /^HTTP\S+ \d+|^(?:GET|POST)\b/]],
  velocity: [], text: [],
};
const velocity = [
  ["note", /##.*|#\*[\s\S]*?(?:\*#|$)/], ["word", /#\{?(?:set|if|elseif|else|end|foreach|macro|break|stop|parse|include|define)\b\}?/],
  ["variable", /\$!?\{[^}\n]*\}?|\$!?[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*(?:\([^)\n]*\))?)*|%[A-Za-z][\w.-]*(?:\|[^%\n]*)?%/],
];
const grammar = name => {
  const rules = [...(name === "http" || name === "text" ? [] : velocity), ...(languages[name] || [])];
  return rules.length && [rules, new RegExp(rules.map(r => `(${r[1].source})`).join("|"), "gm")];
};
const paint = (pre, text, name, bad) => {
  const g = grammar(name), lines = [];
  let line;
  const next = () => { line = document.createElement("span"); line.className = lines.length + 1 === bad ? "ln bad" : "ln"; lines.push(line); };
  const put = (piece, kind) => piece.split("\n").forEach((part, i) => {
    if (i) { line.append("\n"); next(); }
    if (!part) return;
    if (!kind) return line.append(part);
    const s = document.createElement("span");
    s.className = `t-${kind}`; s.textContent = part;
    line.append(s);
  });
  next();
  let at = 0;
  if (g && text.length < 200000) for (const m of text.matchAll(g[1])) {
    if (!m[0]) continue;
    put(text.slice(at, m.index));
    at = m.index + m[0].length;
    let kind = g[0][m.slice(1).findIndex(x => x !== undefined)][0];
    if (kind === "string" && name === "json" && /^\s*:/.test(text.slice(at, at + 40))) kind = "key";
    put(m[0], kind);
  }
  put(text.slice(at));
  line.append("\n");
  pre.replaceChildren(...lines);
};
const prepareCode = field => {
  const area = $("textarea", field), pre = $("pre", field);
  let bad = +field.dataset.errorLine || 0;
  const draw = () => paint(pre, area.value, field.dataset.paint, bad);
  area.addEventListener("input", () => { bad = 0; draw(); });
  field.mark = line => { bad = line; draw(); };
  area.addEventListener("focus", () => loadCompletions(field), {once: true});
  field.classList.add("painted");
  draw();
};
const edit = (area, text) => { // one step of the browser's own undo
  area.focus();
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", {bubbles: true}));
};

// Completion at `$`: a list at the caret.
const loadCompletions = async field => {
  field.choices = JSON.parse(field.dataset.complete || "[]");
  if (!field.dataset.completeUrl) return;
  const answer = await fetch(field.dataset.completeUrl, {headers: {Accept: "application/json"}});
  if (answer.ok) field.choices.push(...await answer.json());
};
const choicesOf = field => field.choices?.length ? field.choices :
  $$(`#${CSS.escape($("textarea", field).dataset.picker || "-")} [data-insert]`).map(r => ({text: r.dataset.insert, note: [...r.children].slice(1).map(x => x.textContent).join(" · ")}));
let list; // the open list: {area, from, el}
const shut = () => { list?.area.removeAttribute("aria-activedescendant"); list?.el.remove(); list = null; };
const offer = (field, area) => {
  const before = area.value.slice(0, area.selectionStart), m = /\$!?\{?[\w.('")-]*$|\{$/.exec(before);
  shut();
  if (!m) return;
  const typed = m[0].replace(/[^\w.]/g, "").toLowerCase();
  const found = choicesOf(field).filter(c => c.text.replace(/[^\w.]/g, "").toLowerCase().includes(typed)).slice(0, 8);
  if (!found.length) return;
  const el = document.createElement("div");
  el.className = "combo-list complete"; el.id = "complete"; el.setAttribute("role", "listbox"); el.ariaLabel = "Variables";
  found.forEach((c, i) => {
    const o = document.createElement("div"), name = document.createElement("span"), note = document.createElement("span");
    o.className = "combo-option"; o.id = `complete-${i}`; o.setAttribute("role", "option"); o.ariaSelected = i === 0;
    name.className = "mono"; name.textContent = c.text; note.className = "quiet small truncate"; note.textContent = c.note;
    o.append(name, note); el.append(o);
    o.addEventListener("mousedown", e => { e.preventDefault(); take(c.text); });
  });
  list = {area, el, from: m.index, texts: found.map(c => c.text)};
  area.closest("dialog, main").append(el);
  area.setAttribute("aria-activedescendant", "complete-0");
  const at = caret(field, before);
  el.style.left = `${Math.max(8, Math.min(at.left, innerWidth - el.offsetWidth - 8))}px`;
  el.style.top = at.bottom + el.offsetHeight > innerHeight ? `${at.top - el.offsetHeight - 4}px` : `${at.bottom + 4}px`;
  el.style.right = el.style.bottom = "auto";
};
// caret is where the text before it ends: the colours lie exactly under the text.
const caret = (field, before) => {
  const lines = before.split("\n"), line = $("pre", field).children[lines.length - 1];
  let left = lines.at(-1).length;
  const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walk.nextNode()) {
    if (left <= walk.currentNode.length) { range.setStart(walk.currentNode, left); break; }
    left -= walk.currentNode.length;
  }
  return range.getClientRects()[0] || line.getBoundingClientRect();
};
const take = text => {
  const {area, from} = list;
  area.setSelectionRange(from, area.selectionStart);
  shut();
  edit(area, text);
  shut();
};
within("input", "[data-code] textarea", area => offer(area.closest("[data-code]"), area));
on("focusout", e => { if (e.target === list?.area) shut(); });
on("keydown", e => {
  const area = e.target;
  if (!area.matches?.("[data-code] textarea")) return;
  if (list) {
    const all = [...list.el.children], at = all.findIndex(o => o.ariaSelected === "true");
    const step = {ArrowDown: 1, ArrowUp: -1}[e.key];
    if (step) {
      e.preventDefault();
      const to = (at + step + all.length) % all.length;
      all.forEach((o, i) => { o.ariaSelected = i === to; });
      area.setAttribute("aria-activedescendant", all[to].id);
    } else if (e.key === "Enter" || e.key === "Tab") { e.preventDefault(); take(list.texts[at]); }
    else if (e.key === "Escape") { e.preventDefault(); shut(); }
    return;
  }
  if (e.key === "Escape") area.leave = true;
  else if (e.key === "Tab" && !e.shiftKey && !area.leave) { e.preventDefault(); edit(area, "  "); }
  else if (e.key !== "Shift") area.leave = false;
});

// The variable picker puts a row's text where the caret was.
within("focusin", "[data-picker]", el => { asker = el; });
within("click", "[data-insert]", el => {
  const d = el.closest("dialog");
  if (!asker?.isConnected) return;
  d?.close();
  if (asker.caret) asker.setSelectionRange(...asker.caret);
  edit(asker, el.dataset.insert);
  shut();
});

// Streams: the HTML of each event goes on top, the oldest rows go.
const streams = new Map();
const prepareStream = el => {
  const source = new EventSource(el.dataset.stream);
  const add = e => {
    htmx.swap(el, e.data, {swapStyle: "afterbegin"});
    el.firstElementChild?.classList.add("fresh");
    while (el.children.length > +el.dataset.cap) el.lastElementChild.remove();
  };
  for (const name of (el.dataset.events || "message").split(" ")) source.addEventListener(name, add);
  streams.set(el, source);
};
new MutationObserver(() => {
  for (const [el, source] of streams) if (!el.isConnected) { source.close(); streams.delete(el); }
}).observe(document.documentElement, {childList: true, subtree: true});

// What shows the present loads itself again: data-refresh="10" with
// hx-trigger="refresh", while it is looked at and nobody is in the middle of something in it.
const prepareRefresh = el => {
  const timer = setInterval(() => {
    if (!el.isConnected) return clearInterval(timer);
    const busy = el.contains(document.activeElement) || $("details.menu[open], dialog[open]", el);
    if (document.visibilityState === "visible" && !busy) htmx.trigger(el, "refresh");
  }, el.dataset.refresh * 1000);
};

const prepare = root => {
  const each = (s, f) => [...(root.matches?.(s) ? [root] : []), ...$$(s, root)].forEach(el => { if (!el.prepared) { el.prepared = true; f(el); } });
  each("noscript", n => n.remove()); // in what htmx swaps in it would be fields that are sent
  each("[data-code]", prepareCode);
  each(".code-block [data-paint]", pre => {
    const code = $("code", pre), bad = [...code.children].findIndex(l => l.matches(".bad")) + 1;
    if (pre.dataset.paint !== "text") paint(code, code.textContent.replace(/\n$/, ""), pre.dataset.paint, bad);
  });
  each("[data-stream]", prepareStream);
  each("[data-refresh]", prepareRefresh);
  each("[data-zone]", prepareZone);
  each("dialog[data-auto]", open);
  each("[data-bad-line]", el => document.getElementById(el.dataset.badIn)?.closest("[data-code]").mark?.(+el.dataset.badLine));
  each("[data-submit-now]", f => f.submit());
  each("[data-scripts]", el => el.dataset.scripts.split(" ").forEach(src => {
    if (!$(`script[src="${src}"]`)) document.head.append(Object.assign(document.createElement("script"), {src}));
  }));
  each("[data-toast=good]", t => setTimeout(() => t.remove(), 8000));
};
on("htmx:load", e => prepare(e.detail.elt));
if (document.readyState === "loading") on("DOMContentLoaded", () => prepare(document.body)); else prepare(document.body);
})();
