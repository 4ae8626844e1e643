// The import of contacts sends a file in pieces of whole rows, one after the
// other, and shows how far it is. Without it the form sends the file in one.
(() => {
"use strict";
const pieceSize = 1 << 20, most = 3 << 20, shown = 100, lookSize = 64 << 10;
const $ = (s, at = document) => at.querySelector(s);

// rows says how many bytes of a piece are whole rows, and how many lines those
// are. A line's end within quotes is none of a row in CSV.
const rows = (bytes, csv) => {
  let quoted = false, end = 0, lines = 0, n = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (csv && bytes[i] === 34) quoted = !quoted;
    else if (bytes[i] === 10) { n++; if (!quoted) { end = i + 1; lines = n; } }
  }
  return {end, lines};
};

// first gives the length of the line of column names.
const first = bytes => {
  let quoted = false;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 34) quoted = !quoted;
    else if (bytes[i] === 10 && !quoted) return i + 1;
  }
  return bytes.length;
};

const read = async (file, from, size) => new Uint8Array(await file.slice(from, from + size).arrayBuffer());
const isCSV = (file, head) => /\.csv$/i.test(file.name) || !/^\s*\{/.test(new TextDecoder().decode(head.slice(0, 200)));

const post = async (url, fields) => {
  const body = new FormData();
  for (const [name, value] of fields) Array.isArray(value) ? body.append(name, ...value) : body.append(name, value);
  const answer = await fetch(url, {method: "POST", headers: {"HX-Request": "true"}, body});
  if (answer.headers.get("HX-Redirect")) { location = answer.headers.get("HX-Redirect"); throw new Error("signed out"); }
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

const show = page => {
  const state = $("#import-state", page);
  if (!state) return {stopped: ""}; // what else the server says stands at the page's edge
  $("#import-state").replaceWith(document.adoptNode(state));
  const found = $("template", page)?.content, all = $("#import-faults");
  const body = $("tbody", all), more = found && $("tbody", found);
  if (more && !body) all.append(...found.children);
  else if (more) body.append(...[...more.children].slice(0, Math.max(0, shown - body.children.length)));
  htmx.process(state);
  return state.dataset;
};

const send = async (form, file) => {
  const head = await read(file, 0, lookSize), csv = isCSV(file, head), names = csv ? head.slice(0, first(head)) : null;
  const by = $("[name=matchBy]", form).value;
  let at = 0, line = 0, state = {};
  $("#import-faults").replaceChildren();
  while (at < file.size) {
    let size = pieceSize, bytes, cut;
    do {
      bytes = await read(file, at, size);
      cut = at + bytes.length >= file.size ? {end: bytes.length, lines: 0} : rows(bytes, csv);
      size *= 2;
    } while (!cut.end && size <= most);
    if (!cut.end) cut = {end: bytes.length, lines: 0}; // a row of megabytes: the server says what is wrong
    const again = csv && at > 0, part = new Blob(again ? [names, bytes.subarray(0, cut.end)] : [bytes.subarray(0, cut.end)]);
    const sums = ["rows", "created", "updated", "unchanged", "failed"].map(name => [name, state[name] || "0"]);
    state = show(await post(form.dataset.import, [...sums, ["matchBy", by], ["sent", at + cut.end], ["size", file.size], ["line", again ? line - 1 : line], ["piece", [part, file.name]]]));
    if (state.stopped !== undefined) return;
    at += cut.end;
    line += cut.lines;
  }
};

document.addEventListener("submit", async e => {
  const form = e.target, file = form.matches("[data-import]") && $("[type=file]", form).files[0];
  if (!file) return;
  e.preventDefault();
  e.stopPropagation();
  const button = $("button", form);
  button.disabled = true;
  try { await send(form, file); } catch (wrong) {
    $("#import-state").textContent = `The file was not sent to its end: ${wrong.message}. Send it again: what is right already is not changed.`;
  }
  button.disabled = false;
}, true);

const look = async field => {
  const file = field.files[0];
  if (!file) return;
  const page = await post(field.form.dataset.look, [["file", [file.slice(0, lookSize), file.name]]]);
  $("#import-columns").replaceChildren(...page.body.childNodes);
};
document.addEventListener("change", e => { if (e.target.matches("[data-import] [type=file]")) look(e.target); });
const chosen = $("[data-import] [type=file]"); // perhaps before this script was here
if (chosen) look(chosen);
})();
